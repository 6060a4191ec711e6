-- reads:  run, patient, fact, place
-- writes: person, everything that is known and kept of a patient row
-- grain:  one patient row of the site
-- why:    opt-outs: the latest of opt-out and withdrawal wins, by date, then by
--         the order of recording. An undated opt-out counts as the latest and an
--         undated withdrawal as the earliest, and a tie is an opt-out, because
--         sharing somebody's record against their wish is the worse mistake.
--         Characteristics: the latest informative entry wins; "not stated" (Z)
--         only where nothing informative was ever recorded
CREATE TEMP TABLE dissent AS
SELECT
    patient,
    list,
    arg_max(category, (
        CASE WHEN date IS NOT NULL THEN date
             WHEN category = 'opt-out' THEN DATE '9999-12-31'
             ELSE DATE '0001-01-01' END,
        coalesce(sequence, 0),
        category = 'opt-out')) = 'opt-out' AS opted_out
FROM fact
WHERE list IN ('type-1-opt-out', 'local-dissent')
GROUP BY patient, list;

CREATE TEMP TABLE characteristic AS
SELECT
    patient,
    list,
    arg_max(category, (
        category NOT IN ('Z', 'not-stated'),
        coalesce(date, DATE '0001-01-01'),
        coalesce(sequence, 0),
        category)) AS category
FROM fact
WHERE list IN ('ethnicity', 'language', 'country-of-birth', 'religion')
  AND (date IS NULL OR date <= (SELECT as_at FROM run))
GROUP BY patient, list;

CREATE TEMP TABLE person AS
SELECT
    p.* EXCLUDE (gate),
    CASE
        WHEN p.gate IN ('agreement', 'test', 'deleted') THEN p.gate
        WHEN t.opted_out THEN 'type-1'
        WHEN d.opted_out THEN 'local-dissent'
        WHEN p.gate IS NOT NULL THEN p.gate
        WHEN p.problem <> 'ok' AND r.drop_unlinkable THEN 'unlinkable'
    END AS gate,
    coalesce(e.category, '99') AS ethnicity,
    l.category AS language,
    c.category AS country_of_birth,
    g.category AS religion,
    CASE
        WHEN p.postcode LIKE 'ZZ993%' THEN 'no-fixed-abode'
        WHEN w.ward IS NOT NULL THEN w.ward
        WHEN w.postcode IS NOT NULL THEN 'outside'
        ELSE 'unknown'
    END AS ward,
    w.lsoa,
    w.imd_decile
FROM patient p
CROSS JOIN run r
LEFT JOIN dissent t ON t.patient = p.patient AND t.list = 'type-1-opt-out'
LEFT JOIN dissent d ON d.patient = p.patient AND d.list = 'local-dissent'
LEFT JOIN characteristic e ON e.patient = p.patient AND e.list = 'ethnicity'
LEFT JOIN characteristic l ON l.patient = p.patient AND l.list = 'language'
LEFT JOIN characteristic c ON c.patient = p.patient AND c.list = 'country-of-birth'
LEFT JOIN characteristic g ON g.patient = p.patient AND g.list = 'religion'
LEFT JOIN place w ON w.postcode = p.postcode;
