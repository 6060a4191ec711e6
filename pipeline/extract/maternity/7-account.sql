-- reads:  patient, person, infant, pregnancy, birth
-- writes: doubt, numbered, unplaced and born, which the program asks for
-- grain:  one rule (doubt); one number of the export (numbered); one mother whose
--         postcode the lookup lacks (unplaced); one code's birth date (born)
-- why:    as in slam/6-account. A baby's birth date is looked for in the rows of
--         its own code and in those of the pregnancy, which have it also when the
--         baby has no code
CREATE TEMP VIEW doubt AS
SELECT 'one-row-number' AS rule, sum(n) AS n
FROM (
    SELECT count(*) AS n FROM (SELECT 1 FROM patient GROUP BY patient HAVING count(*) > 1)
    UNION ALL
    SELECT count(*) AS n FROM (SELECT 1 FROM infant GROUP BY delivery, name HAVING count(*) > 1)
);

CREATE TEMP VIEW numbered AS
SELECT problem FROM patient
UNION ALL
SELECT problem FROM birth;

CREATE TEMP VIEW unplaced AS
SELECT DISTINCT person FROM person WHERE gate IS NULL AND ward = 'unknown' AND postcode IS NOT NULL;

CREATE TEMP VIEW born AS
SELECT person AS code, own_birth AS birth_date FROM person WHERE gate IS NULL AND own_birth IS NOT NULL
UNION ALL
SELECT unnest([baby, pregnancy]) AS code, birth_date FROM birth WHERE reason IS NULL AND birth_date IS NOT NULL;
