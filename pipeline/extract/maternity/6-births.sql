-- reads:  run, infant, delivery, pregnancy, src_activity
-- writes: birth, every baby with what is kept of it and why it stays out
-- grain:  one baby of a delivery
-- why:    a live birth or a stillbirth is kept; how else a pregnancy ended never
--         leaves, and neither does an ending that is not said. A birth keeps its
--         month; where the mother or the baby died within 28 days of it, or that
--         is not known well enough, its year. A baby under its mother's own
--         number has no code: they are two people. Where a baby is left out by
--         the national opt-out (partly), what is left of the row is its mother's
CREATE TEMP TABLE weighing AS
SELECT baby, date, sequence, CASE WHEN value * factor BETWEEN 200 AND 9000 THEN value * factor END AS grams, value_cell
FROM (
    SELECT *, CASE lower(unit) WHEN 'kg' THEN 1000 WHEN 'g' THEN 1 END AS factor
    FROM src_activity
    WHERE code = '27113001' AND baby IS NOT NULL -- body weight in SNOMED CT
    QUALIFY activity IS NULL OR row_number() OVER (PARTITION BY activity ORDER BY sequence DESC NULLS LAST, baby, date, value, unit) = 1
);

CREATE TEMP TABLE weight AS
SELECT baby, grams
FROM weighing
WHERE grams IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY baby ORDER BY date NULLS LAST, sequence DESC NULLS LAST, grams) = 1;

-- Babies under one number are one person, and what one row knows of a death
-- holds for the others; where two disagree, neither birth keeps its month.
CREATE TEMP TABLE infancy AS
SELECT
    code,
    min(death_date) AS death_date,
    bool_or(death_unclear OR ltrim(outcome, '0') IS DISTINCT FROM '1') OR count(DISTINCT death_date) > 1 AS death_vague
FROM infant
WHERE code IS NOT NULL
GROUP BY code;

-- A baby chooses for itself, by its own number. A live one whose number is not
-- known, or is its mother's, cannot be looked up; a stillborn one has none, and
-- its row is its mother's.
CREATE TEMP TABLE birth AS
SELECT
    i.row_at,
    r.national_opt_out AND (
        i.number_gate = 'national-opt-out' AND (i.problem = 'ok' OR ltrim(i.outcome, '0') IS NOT DISTINCT FROM '1')
        OR coalesce(i.code = g.person, false)) AS partly,
    g.person,
    CASE WHEN i.code IS DISTINCT FROM g.person THEN i.code END AS baby,
    g.pregnancy,
    i.birth_date, -- for the check after writing
    own_month(i.birth_date, g.death_date, i.death_date,
        g.death_vague OR i.death_unclear OR ltrim(i.outcome, '0') <> '1'
        OR coalesce(y.death_vague, false) OR near_day(i.birth_date, 'YM', y.death_date)) AS birth_month,
    CASE WHEN i.gestation BETWEEN 140 AND 315 THEN CAST(floor(i.gestation / 7) AS INTEGER) END AS gestation_weeks,
    i.gestation_lost OR coalesce(i.gestation NOT BETWEEN 140 AND 315, false) AS gestation_lost,
    i.death_lost,
    round(w.grams / 10) * 10 AS birth_weight_g,
    CASE WHEN ltrim(i.outcome, '0') = '1' THEN 'live' ELSE 'stillbirth' END AS outcome,
    CASE WHEN regexp_full_match(i.method, '[0-9]') THEN i.method END AS method,
    CASE WHEN i.code = g.person THEN 'mothers-own' ELSE i.problem END AS problem,
    CASE
        WHEN g.id IS NULL OR g.reason = 'no-patient' THEN 'no-patient'
        WHEN g.reason IN ('test', 'unlinkable', 'national-opt-out') THEN 'person-left-out'
        WHEN g.reason IS NOT NULL THEN 'booking-left-out'
        WHEN i.number_gate = 'test' THEN 'test'
        WHEN i.outcome IS NULL OR ltrim(i.outcome, '0') NOT IN ('1', '2', '3', '4') THEN 'sensitive-outcome'
        WHEN impossible_day(i.birth_date, i.birth_date_bad, g.birth_date, r.as_at) THEN 'impossible-date'
    END AS reason
FROM infant i
CROSS JOIN run r
LEFT JOIN delivery d ON d.delivery = i.delivery
LEFT JOIN pregnancy g ON g.id = d.pregnancy AND g.latest
LEFT JOIN infancy y ON y.code = i.code
LEFT JOIN weight w ON w.baby = i.baby;
