-- reads:  run, list, provider, person, referral, src_provisional, src_primary, src_secondary
-- writes: the coded rows of the canonical table diagnoses, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one diagnosis row of the export
-- why:    a diagnosis has no id of its own: the same code of the same referral on
--         the same day in the same table is the same diagnosis, submitted again.
--         Only ICD-10 is kept; a diagnosis in SNOMED CT or in a local code is
--         counted and left out. A sensitive category of three characters takes
--         everything below it along
WITH diagnosis AS (
    SELECT 'provisional' AS kind, * FROM src_provisional
    UNION ALL BY NAME
    SELECT 'primary' AS kind, * FROM src_primary
    UNION ALL BY NAME
    SELECT 'secondary' AS kind, * FROM src_secondary
),
sensitive AS (
    SELECT code FROM list WHERE list = 'sensitive'
),
named AS (
    SELECT *, CASE WHEN scheme IN ('02', '2') THEN icd10(code) END AS icd10
    FROM diagnosis
),
marked AS (
    SELECT *,
        referral IS NULL OR row_number() OVER (
            PARTITION BY kind, referral, scheme, coalesce(icd10, code), date, date_bad
            ORDER BY sequence DESC NULLS LAST, row_at) = 1 AS latest
    FROM named
),
entry AS (
    SELECT
        e.row_at, p.person, p.birth_date, p.death_date, p.vague, e.date, e.icd10,
        CASE
            WHEN NOT v.ours THEN 'other-organisation'
            WHEN NOT e.latest THEN 're-submitted'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN p.gate IS NOT NULL THEN 'person-left-out'
            WHEN e.code IN (SELECT code FROM sensitive) OR e.icd10 IN (SELECT code FROM sensitive) OR left(e.icd10, 3) IN (SELECT code FROM sensitive) THEN 'sensitive'
            WHEN e.icd10 IS NULL THEN 'no-icd10'
            WHEN impossible_day(e.date, e.date_bad, p.birth_date, r.as_at) THEN 'impossible-date'
        END AS reason
    FROM marked e
    CROSS JOIN run r
    CROSS JOIN provider v
    LEFT JOIN referral f ON f.referral = e.referral AND f.latest
    LEFT JOIN person p ON p.patient = f.patient
)
SELECT
    row_at,
    CASE WHEN reason IS NULL THEN person END AS person,
    CASE WHEN reason IS NULL THEN kept_day(date, birth_date, death_date, vague) END AS date,
    CASE WHEN reason IS NULL THEN kept_year(date) END AS year,
    CASE WHEN reason IS NULL THEN icd10 END AS icd10,
    reason
FROM entry
