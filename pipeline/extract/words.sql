-- reads:  nothing
-- writes: the rules for values that several datasets' SQL shares, as macros
-- grain:  one value
-- why:    the same word is read in the same way, whoever exports it; what is not
--         one of the words of its code system says nothing, and never passes

-- A day that somebody was born or died on: neither yet to come nor one that
-- stands for not knowing.
CREATE TEMP MACRO known_day(d, as_at) AS
    CASE WHEN d > as_at OR d <= DATE '1900-01-01' THEN NULL ELSE d END;

-- Letters and digits of a postcode, as the lookup is joined.
CREATE TEMP MACRO plain_postcode(p) AS
    regexp_replace(upper(p), '[^A-Z0-9]', '', 'g');

-- The ward of a postcode, or the word for having none; ZZ99 3VZ is the national
-- postcode of people of no fixed abode.
CREATE TEMP MACRO ward_word(postcode, ward, known) AS
    CASE
        WHEN postcode = 'ZZ993VZ' THEN 'no-fixed-abode'
        WHEN ward IS NOT NULL THEN ward
        WHEN known THEN 'outside'
        ELSE 'unknown'
    END;

-- Where somebody lives, as the account counts it; several: the lookup has more
-- than one area for the postcode.
CREATE TEMP MACRO area_word(postcode, ward, several) AS
    CASE
        WHEN ward LIKE 'E05%' THEN 'inside'
        WHEN ward <> 'unknown' THEN ward
        WHEN coalesce(postcode, '') = '' THEN 'no-postcode'
        WHEN several THEN 'several-areas'
        ELSE 'not-in-lookup'
    END;

-- The national ethnic category is a letter of the census of 2001 and, in some
-- systems, a local character after it: Z when somebody was asked and did not
-- say; 99 when the source says that it is not known, or says something that is
-- no category; and NULL where nothing was ever recorded.
CREATE TEMP MACRO ethnic_letter(code) AS
    CASE
        WHEN trim(code) = '' OR code IS NULL THEN NULL
        WHEN regexp_full_match(upper(code), '[A-HJ-NPRSZ].?') THEN left(upper(code), 1)
        ELSE '99'
    END;

-- Is a value none of its code system? Then it is counted, by the column that it
-- would have filled, and stays empty or unknown there.
CREATE TEMP MACRO strange_ethnicity(code) AS
    code IS NOT NULL AND NOT regexp_full_match(upper(code), '[A-HJ-NPRSZ].?|99');

-- ICD-10 as systems write it, F06.7, F067, F20X or F20, in the one form F067 or
-- F20: the X only fills the place of a fourth character. Anything else is NULL.
CREATE TEMP MACRO icd10(code) AS
    CASE WHEN regexp_full_match(upper(code), '[A-Z][0-9]{2}(\.?[0-9X])?')
         THEN left(upper(code), 3) || rtrim(substr(replace(upper(code), '.', ''), 4), 'X') END;

-- The gates that stand for a person's choice or safety.
CREATE TEMP MACRO chosen(gate) AS
    gate IN ('type-1', 'local-dissent', 'restricted', 'confidential', 'national-opt-out');
