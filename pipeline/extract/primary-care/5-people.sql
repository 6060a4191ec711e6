-- reads:  run, patient, fact, place
-- writes: person, everything that is known and kept of a patient row
-- grain:  one patient row of the site
-- why:    opt-outs: the latest of opt-out and withdrawal wins, by date, then by
--         the order of recording. Sharing somebody's record against their wish is
--         the worse mistake, so every doubt is an opt-out: undated, it counts as
--         the latest; known to the month or year, as the last day of it; a
--         withdrawal that is undated or yet to come counts as the earliest; and a
--         tie is an opt-out, as is whatever a list does not call withdrawn.
--         What stops one row of a code stops every row of it here: a choice is a
--         person's, and a second registration must not carry around it.
--         Characteristics: the latest informative entry wins; "not stated" (Z)
--         and "not known" (99) only where nothing informative was ever recorded,
--         and nothing at all where nobody ever recorded any of it
CREATE TEMP TABLE dissent AS
SELECT
    practice,
    patient,
    list,
    arg_max(category <> 'withdrawn', (
        CASE WHEN category <> 'withdrawn' THEN coalesce(latest(date, date_precision), DATE '9999-12-31')
             WHEN date <= (SELECT as_at FROM run) THEN coalesce(earliest(date, date_precision), DATE '0001-01-01')
             ELSE DATE '0001-01-01' END,
        sequence,
        category <> 'withdrawn')) AS opted_out
FROM fact
WHERE list IN ('type-1-opt-out', 'local-dissent')
GROUP BY practice, patient, list;

CREATE TEMP TABLE characteristic AS
SELECT
    f.practice,
    f.patient,
    f.list,
    arg_max(f.category, (
        f.category NOT IN ('Z', '99', 'not-stated'),
        coalesce(f.date, DATE '0001-01-01'),
        f.sequence,
        f.category)) AS category
FROM fact f
JOIN patient p ON p.practice = f.practice AND p.patient = f.patient
WHERE f.list IN ('ethnicity', 'language', 'country-of-birth', 'religion', 'smoking')
  AND NOT f.date_bad
  AND possible(f.date, f.date_precision, p.birth_date, (SELECT as_at FROM run))
GROUP BY f.practice, f.patient, f.list;

-- One code with two birth or death dates: the dates of either row could give
-- away the other's.
CREATE TEMP TABLE conflict AS
SELECT person
FROM patient
GROUP BY person
HAVING count(DISTINCT birth_date) > 1 OR count(DISTINCT death_date) > 1;

CREATE TEMP TABLE person AS
SELECT * REPLACE (
    coalesce(gate, max(gate) FILTER (WHERE chosen(gate))
        OVER (PARTITION BY person)) AS gate)
FROM (
    SELECT
        p.* EXCLUDE (gate, number_gate, death_unclear),
        p.birth_date IS NULL OR p.death_unclear OR x.person IS NOT NULL AS vague,
        CASE
            WHEN p.gate IN ('agreement', 'test', 'deleted') THEN p.gate
            WHEN t.opted_out THEN 'type-1'
            WHEN d.opted_out THEN 'local-dissent'
            WHEN p.gate IS NOT NULL THEN p.gate
            WHEN p.problem <> 'ok' AND r.drop_unlinkable THEN 'unlinkable'
            WHEN p.number_gate = 'national-opt-out' THEN p.number_gate
        END AS gate,
        e.category AS ethnicity,
        l.category AS language,
        c.category AS country_of_birth,
        g.category AS religion,
        s.category AS smoking,
        ward_word(p.postcode, w.ward, w.known) AS ward,
        w.lsoa,
        w.imd_decile
    FROM patient p
    CROSS JOIN run r
    LEFT JOIN dissent t ON t.practice = p.practice AND t.patient = p.patient AND t.list = 'type-1-opt-out'
    LEFT JOIN dissent d ON d.practice = p.practice AND d.patient = p.patient AND d.list = 'local-dissent'
    LEFT JOIN characteristic e ON e.practice = p.practice AND e.patient = p.patient AND e.list = 'ethnicity'
    LEFT JOIN characteristic l ON l.practice = p.practice AND l.patient = p.patient AND l.list = 'language'
    LEFT JOIN characteristic c ON c.practice = p.practice AND c.patient = p.patient AND c.list = 'country-of-birth'
    LEFT JOIN characteristic g ON g.practice = p.practice AND g.patient = p.patient AND g.list = 'religion'
    LEFT JOIN characteristic s ON s.practice = p.practice AND s.patient = p.patient AND s.list = 'smoking'
    LEFT JOIN place w ON w.postcode = p.postcode
    LEFT JOIN conflict x ON x.person = p.person
);
