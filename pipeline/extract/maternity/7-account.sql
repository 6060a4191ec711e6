-- reads:  list, run, patient, person, place, infant, booking, pregnancy, birth, weighing,
--         src_delivery, src_activity
-- writes: doubt, numbered, unplaced, placed, strange, born, contradiction,
--         stopped, withheld and hidden, which the program asks for
-- grain:  one rule (doubt: and relation; contradiction); one number of the export (numbered); one mother whose
--         postcode the lookup lacks (unplaced); one mother's area (placed); one column
--         (strange); one code's birth date (born);
--         one mother who is left out by choice, or one baby (stopped)
-- why:    as in slam/6-account. A baby's birth date is looked for in the rows of
--         its own code and in those of the pregnancy, which have it also when the
--         baby has no code
CREATE TEMP VIEW doubt AS
SELECT 'one-row-number' AS rule, sum(n) AS n
FROM (
    SELECT count(*) AS n FROM (SELECT 1 FROM patient GROUP BY patient HAVING count(*) > 1)
    UNION ALL
    SELECT count(*) AS n FROM (SELECT 1 FROM infant GROUP BY delivery, name HAVING count(*) > 1)
)
UNION ALL
SELECT 'births-unread' AS rule, most_lost(count(*) FILTER (birth_lost), count(birth_date)) AS n FROM patient
UNION ALL
SELECT 'one-row-number of booking', count(*) FROM (
    SELECT 1 FROM booking
    WHERE last AND pregnancy IS NOT NULL
    GROUP BY pregnancy HAVING count(DISTINCT row(patient, booked, booked_bad, due, due_bad, live_births, stillbirths, smoking, bmi)) > 1)
UNION ALL
SELECT 'one-row-number of delivery', count(*) FROM (
    SELECT 1 FROM (
        SELECT delivery, pregnancy FROM src_delivery
        WHERE delivery IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY delivery ORDER BY submitted DESC NULLS LAST) = 1)
    GROUP BY delivery HAVING count(DISTINCT row(pregnancy)) > 1)
UNION ALL
SELECT 'one-row-number of activity', count(*) FROM (
    SELECT 1 FROM (
        SELECT activity, baby, date, value, unit FROM src_activity
        WHERE activity IS NOT NULL AND code = '27113001' AND baby IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY activity ORDER BY submitted DESC NULLS LAST) = 1)
    GROUP BY activity HAVING count(DISTINCT row(baby, date, value, unit)) > 1);

CREATE TEMP VIEW numbered AS
SELECT problem FROM patient
UNION ALL
SELECT problem FROM birth;

CREATE TEMP VIEW unplaced AS
SELECT DISTINCT person FROM person WHERE gate IS NULL AND ward = 'unknown' AND postcode IS NOT NULL;

CREATE TEMP VIEW placed AS
SELECT area_word(p.postcode, p.ward, w.several) AS area
FROM (SELECT DISTINCT person, postcode, ward FROM person WHERE gate IS NULL) p
LEFT JOIN place w ON w.postcode = p.postcode;

CREATE TEMP VIEW strange AS
SELECT 'pregnancies.ethnicity' AS field, count(*) AS n FROM patient WHERE strange_ethnicity(ethnicity)
UNION ALL
SELECT 'pregnancies.smoking', count(*) FROM booking WHERE latest AND upper(ltrim(smoking, '0')) NOT IN ('1', '2', '3', '4', '9', 'Z')
UNION ALL
SELECT 'births.outcome', count(*) FROM infant WHERE ltrim(outcome, '0') NOT IN ('1', '2', '3', '4', '5', '6', '98')
UNION ALL
SELECT 'births.method', count(*) FROM infant WHERE NOT regexp_full_match(upper(method), '[0-9X]')
UNION ALL
SELECT unnest(['pregnancies.mother_birth_date', 'pregnancies.mother_death_date']), unnest([count(*) FILTER (birth_lost), count(*) FILTER (death_lost)]) FROM patient
UNION ALL
SELECT unnest(['pregnancies.booked_by_70_days', 'pregnancies.bmi', 'pregnancies.parity']),
    unnest([count(*) FILTER (due_lost), count(*) FILTER (bmi_lost), count(*) FILTER (parity_lost)])
FROM pregnancy
WHERE reason IS NULL
UNION ALL
SELECT unnest(['births.gestation_weeks', 'births.death_date']), unnest([count(*) FILTER (gestation_lost), count(*) FILTER (death_lost)]) FROM birth WHERE reason IS NULL
UNION ALL
SELECT 'births.birth_weight_g', count(*) FROM weighing WHERE lost_cell(grams, value_cell);

CREATE TEMP VIEW born AS
SELECT person AS code, own_birth AS birth_date FROM person WHERE gate IS NULL AND own_birth IS NOT NULL
UNION ALL
SELECT unnest([baby, pregnancy]) AS code, birth_date FROM birth WHERE reason IS NULL AND birth_date IS NOT NULL;

CREATE TEMP VIEW contradiction AS
SELECT unnest(['birth-date', 'death-date', 'area']) AS rule,
    unnest([count(*) FILTER (births > 1), count(*) FILTER (deaths > 1), count(*) FILTER (areas > 1)]) AS n
FROM (
    SELECT
        count(DISTINCT p.birth_date) AS births,
        count(DISTINCT p.death_date) AS deaths,
        count(DISTINCT w.ward) FILTER (w.ward <> 'unknown') AS areas
    FROM patient p
    JOIN person w ON w.patient = p.patient
    WHERE p.problem = 'ok'
    GROUP BY p.person
    UNION ALL
    SELECT count(DISTINCT known_day(birth_date, as_at)) AS births, count(DISTINCT death_date) AS deaths, 0 AS areas
    FROM infant
    CROSS JOIN (SELECT as_at FROM run)
    WHERE code IS NOT NULL
    GROUP BY code
);

CREATE TEMP VIEW stopped AS
SELECT person AS code, false AS partly FROM person WHERE chosen(gate)
UNION ALL
SELECT baby AS code, reason IS NULL AS partly FROM birth WHERE partly;

CREATE TEMP VIEW withheld AS
SELECT code AS concept FROM list WHERE list = 'sensitive';

CREATE TEMP VIEW hidden AS
SELECT list FROM list WHERE false;
