-- reads:  run, patient, fact, place
-- writes: person, everything that is known and kept of a patient row
-- grain:  one patient row of the site
-- why:    opt-outs: the latest of opt-out and withdrawal wins, by date, then by
--         the order of recording. Sharing somebody's record against their wish is
--         the worse mistake, so every doubt is an opt-out: undated, it counts as
--         the latest; known to the month or year, as the last day of it; a
--         withdrawal that is undated or yet to come counts as the earliest; of those of
--         one day an opt-out without a number that can be read is the last, a
--         withdrawal without one the first; and a tie is an opt-out, as is whatever a
--         list does not call withdrawn.
--         What stops one row of a code stops every row of it here: a choice is a
--         person's, and a second registration must not carry around it. So choices
--         and flags are read from every row, before its own gate: the row that was
--         deleted when two were merged is often the one that holds the opt-out.
--         Characteristics: the latest informative entry wins; "not stated" (Z)
--         and "not known" (99) only where nothing informative was ever recorded,
--         and nothing at all where nobody ever recorded any of it
CREATE TEMP TABLE dissent AS
SELECT
    number,
    list,
    arg_max(category <> 'withdrawn', (
        CASE WHEN category <> 'withdrawn' THEN coalesce(latest(date, date_precision), DATE '9999-12-31')
             WHEN date <= (SELECT as_at FROM run) THEN coalesce(earliest(date, date_precision), DATE '0001-01-01')
             ELSE DATE '0001-01-01' END,
        coalesce(sequence, CASE WHEN category <> 'withdrawn' THEN CAST(1e37 AS HUGEINT) ELSE 0 END),
        category <> 'withdrawn')) AS opted_out
FROM fact
WHERE list IN ('type-1-opt-out', 'local-dissent')
GROUP BY number, list;

CREATE TEMP TABLE characteristic AS
SELECT
    f.number,
    f.list,
    arg_max(f.category, (
        f.category NOT IN ('Z', '99', 'not-stated'),
        coalesce(f.date, DATE '0001-01-01'),
        coalesce(f.sequence, 0),
        f.category)) AS category
FROM fact f
JOIN life p ON p.number = f.number
WHERE f.list IN ('ethnicity', 'language', 'country-of-birth', 'religion', 'smoking')
  AND NOT f.date_bad
  AND possible(f.date, f.date_precision, p.birth_date, (SELECT as_at FROM run))
GROUP BY f.number, f.list;

CREATE TEMP TABLE person AS
SELECT * REPLACE (
    coalesce(gate, choice, CASE WHEN unlinkable THEN 'unlinkable' END, max(choice) OVER (PARTITION BY coalesce(claimed, person))) AS gate)
FROM (
    SELECT
        v.number,
        p.* EXCLUDE (flagged, number_gate, death_unclear),
        v.vague,
        p.problem <> 'ok' AND r.drop_unlinkable AS unlinkable,
        CASE
            WHEN t.opted_out THEN 'type-1'
            WHEN d.opted_out THEN 'local-dissent'
            WHEN p.flagged IS NOT NULL THEN p.flagged
            WHEN p.number_gate = 'national-opt-out' AND NOT unlinkable THEN p.number_gate
        END AS choice,
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
    JOIN life v ON v.number = p.rowid
    LEFT JOIN dissent t ON t.number = p.rowid AND t.list = 'type-1-opt-out'
    LEFT JOIN dissent d ON d.number = p.rowid AND d.list = 'local-dissent'
    LEFT JOIN characteristic e ON e.number = p.rowid AND e.list = 'ethnicity'
    LEFT JOIN characteristic l ON l.number = p.rowid AND l.list = 'language'
    LEFT JOIN characteristic c ON c.number = p.rowid AND c.list = 'country-of-birth'
    LEFT JOIN characteristic g ON g.number = p.rowid AND g.list = 'religion'
    LEFT JOIN characteristic s ON s.number = p.rowid AND s.list = 'smoking'
    LEFT JOIN place w ON w.postcode = p.postcode
);
