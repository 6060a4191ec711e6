-- reads:  patient, person
-- writes: doubt, numbered, unplaced and born, which the program asks for
-- grain:  one rule (doubt); one number of the export (numbered); one person whose
--         postcode the lookup lacks (unplaced); one code's birth date (born)
-- why:    as in primary-care/6-account: two rows of a patient under one row number
--         that do not say the same would make it a guess which of them holds
CREATE TEMP VIEW doubt AS
SELECT 'one-row-number' AS rule, count(*) AS n FROM (SELECT 1 FROM patient GROUP BY patient HAVING count(*) > 1);

CREATE TEMP VIEW numbered AS
SELECT problem FROM patient;

CREATE TEMP VIEW unplaced AS
SELECT person FROM person WHERE gate IS NULL AND chosen AND ward = 'unknown' AND postcode IS NOT NULL;

CREATE TEMP VIEW born AS
SELECT person AS code, own_birth AS birth_date FROM person WHERE gate IS NULL AND own_birth IS NOT NULL;
