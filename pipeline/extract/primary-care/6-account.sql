-- reads:  run, patient, life, person, place, src_clinical_code
-- writes: doubt, numbered, unplaced, placed, strange, born, contradiction and
--         stopped, which the program asks for
-- grain:  one rule (doubt, contradiction); one number of the export (numbered); one person whose
--         postcode the lookup lacks (unplaced); one person's area (placed); one column
--         (strange); one code's birth date (born);
--         one row of a person who is left out by choice or for safety (stopped)
-- why:    a patient who stands there twice would make it a guess which row holds,
--         and so would be whose opt-out counts; a code that a spreadsheet wrote as
--         a power of ten could be an opt-out's; the account tells a site what
--         became of its numbers and postcodes; and the check after writing looks
--         for everybody's birth date in their own rows
CREATE TEMP VIEW doubt AS
SELECT 'twice' AS rule, count(*) AS n FROM (SELECT 1 FROM life GROUP BY practice, patient HAVING count(*) > 1)
UNION ALL
SELECT 'power-of-ten' AS rule, count(*) AS n FROM src_clinical_code WHERE regexp_full_match(concept, '[0-9]([.,][0-9]+)?[eE][+]?[0-9]+');

CREATE TEMP VIEW numbered AS
SELECT problem FROM patient;

CREATE TEMP VIEW unplaced AS
SELECT person FROM person WHERE gate IS NULL AND ward = 'unknown' AND postcode IS NOT NULL;

CREATE TEMP VIEW placed AS
SELECT area_word(p.postcode, p.ward, w.several) AS area
FROM person p
LEFT JOIN place w ON w.postcode = p.postcode
WHERE p.gate IS NULL;

CREATE TEMP VIEW strange AS
SELECT 'patients.sex' AS field, count(*) AS n FROM person WHERE gate IS NULL AND upper(sex) NOT IN ('F', 'M', 'I', 'U');

CREATE TEMP VIEW born AS
SELECT person AS code, birth_date FROM person WHERE gate IS NULL AND birth_date IS NOT NULL;

-- What the rows under one NHS number disagree about, by people: signs of a wrong
-- number, which a practice can mend. People move, so areas count only among
-- registrations that last.
CREATE TEMP VIEW contradiction AS
SELECT unnest(['birth-date', 'death-date', 'sex', 'area']) AS rule,
    unnest([count(*) FILTER (births > 1), count(*) FILTER (deaths > 1), count(*) FILTER (sexes > 1), count(*) FILTER (areas > 1)]) AS n
FROM (
    SELECT
        count(DISTINCT birth_date) AS births,
        count(DISTINCT death_date) AS deaths,
        count(DISTINCT CASE WHEN upper(sex) IN ('F', 'M') THEN upper(sex) END) AS sexes,
        count(DISTINCT coalesce(lsoa, ward)) FILTER (ward <> 'unknown' AND (registered_to IS NULL OR registered_to > as_at)) AS areas
    FROM person
    CROSS JOIN (SELECT as_at FROM run)
    WHERE problem = 'ok' AND coalesce(gate, '') NOT IN ('agreement', 'test', 'deleted')
    GROUP BY person
);

CREATE TEMP VIEW stopped AS
SELECT person AS code, false AS partly FROM person WHERE chosen(gate);
