-- reads:  run, patient, life, person, place, src_clinical_code, entry
-- writes: doubt, numbered, unplaced, placed, strange, born, contradiction and
--         stopped, which the program asks for
-- grain:  one rule (doubt, contradiction); one number of the export (numbered); one person whose
--         postcode the lookup lacks (unplaced); one person's area (placed); one column
--         (strange); one code's birth date (born);
--         one row of a person who is left out by choice or for safety (stopped)
-- why:    a patient who stands there twice would make it a guess which row holds,
--         and so would be whose opt-out counts; a code that a spreadsheet or a
--         program has written in another way, and one of which nothing is known,
--         could be an opt-out's; the account tells a site what
--         became of its numbers and postcodes; and the check after writing looks
--         for everybody's birth date in their own rows
CREATE TEMP MACRO power_of_ten(cell) AS regexp_full_match(cell, '[0-9]([.,][0-9]+)?[eE][+]?[0-9]+');

-- A concept is digits and nothing else, the first no zero. Six digits and more in
-- any other cell were one: 827241000000103.0, 827,241,000,000,103, or with its term.
-- So were more than fifteen of which a spreadsheet has made the last zeros.
CREATE TEMP MACRO spoilt_concept(cell) AS
    CASE
        WHEN regexp_full_match(cell, '[1-9][0-9]{0,14}') THEN false
        WHEN regexp_full_match(cell, '[1-9][0-9]*') THEN length(cell) > 15 AND rtrim(substr(cell, 16), '0') = '' AND concept_problem(cell) <> 'ok'
        ELSE length(regexp_replace(cell, '[^0-9]', '', 'g')) >= 6
    END;

-- Among other codes letters are letters: only what has none was a concept. Five
-- digits and a term number, 14110-11 or 14110.00, are a Read code.
CREATE TEMP MACRO spoilt_name(cell) AS
    regexp_full_match(cell, '[^0-9A-Za-z]*[0-9]{6,}[^0-9A-Za-z].*|[^0-9A-Za-z^]+[0-9]{6,}|0[0-9]{7,}|[1-9][0-9]{0,2}([, ''][0-9]{3})+')
    OR regexp_full_match(cell, '[0-9][.,][0-9]+[eE][+][0-9]+');

CREATE TEMP VIEW doubt AS
SELECT 'twice' AS rule, count(*) AS n FROM (SELECT 1 FROM life GROUP BY practice, patient HAVING count(*) > 1)
UNION ALL
SELECT 'power-of-ten' AS rule, count(*) AS n FROM src_clinical_code WHERE power_of_ten(concept)
UNION ALL
SELECT 'spoilt' AS rule, count(*) AS n FROM src_clinical_code
WHERE NOT coalesce(power_of_ten(concept), false) AND (spoilt_concept(concept) OR spoilt_name(read_code) OR spoilt_name(national_code))
UNION ALL
SELECT 'other-writing' AS rule, count(*) AS n FROM file_entry WHERE explained = 0
UNION ALL
SELECT 'unexplained' AS rule, CASE WHEN count(*) FILTER (explained < 2) * 2 > count(*) THEN count(*) FILTER (explained < 2) ELSE 0 END AS n
FROM file_entry
WHERE explained IS NOT NULL
UNION ALL
SELECT 'births-unread' AS rule, most_lost(count(*) FILTER (birth_lost), count(birth_date)) AS n FROM patient;

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
SELECT
    unnest(['patients.sex', 'patients.birth_year', 'patients.death_year', 'patients.registered_from', 'patients.registered_to']) AS field,
    unnest([
        count(*) FILTER (upper(sex) NOT IN ('F', 'M', 'I', 'U')), count(*) FILTER (birth_lost), count(*) FILTER (death_lost),
        count(*) FILTER (from_lost), count(*) FILTER (to_lost)]) AS n
FROM person
WHERE gate IS NULL
UNION ALL
SELECT
    unnest(['observations.value', 'observations.unit', 'observations.date_precision']) AS field,
    unnest([count(*) FILTER (lost & 1 > 0), count(*) FILTER (lost & 2 > 0), count(*) FILTER (lost & 4 > 0)]) AS n
FROM file_entry e
JOIN person p ON p.number = e.number
WHERE e.lost IS NOT NULL AND p.gate IS NULL
UNION ALL
SELECT 'medications.date_precision' AS field, count(*) AS n
FROM file_issue e
JOIN person p ON p.number = e.number
WHERE e.lost AND p.gate IS NULL;

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
