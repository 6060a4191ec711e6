-- reads:  run, practice, person, drug, src_issue, changed_issue
-- writes: the coded rows of the canonical table medications, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one issue of the export
-- why:    the gates of table-observations, as far as an issue has them
WITH dated AS (
    SELECT
        e.* EXCLUDE (date, date_precision),
        clinical_date(e.date) AS date,
        clinical_precision(e.date, e.date_precision) AS date_precision
    FROM src_issue e
),
issue AS (
    SELECT
        p.person, d.concept, e.date,
        own_precision(e.date, e.date_precision, p.birth_date, p.death_date, p.vague) AS date_precision,
        CASE
            WHEN o.organisation IS NULL THEN 'other-organisation'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN p.gate IS NOT NULL THEN 'person-left-out'
            WHEN e.deleted THEN 'deleted'
            WHEN e.confidential THEN 'confidential'
            WHEN d.sensitive THEN 'sensitive'
            WHEN d.concept IS NULL THEN coalesce(d.problem, 'no-concept')
            WHEN e.date_bad OR NOT possible(e.date, e.date_precision, p.birth_date, r.as_at) THEN 'impossible-date'
        END AS reason
    FROM dated e
    CROSS JOIN run r
    LEFT JOIN practice o ON o.organisation = e.organisation
    LEFT JOIN person p ON p.practice = o.practice AND p.patient = e.patient
    LEFT JOIN drug d ON d.code = e.code
)
SELECT
    CASE WHEN reason IS NULL THEN person END AS person,
    CASE WHEN reason IS NULL THEN own_date(date, date_precision) END AS date,
    CASE WHEN reason IS NULL THEN date_precision END AS date_precision,
    CASE WHEN reason IS NULL AND date_precision <> 'U' THEN year(date) END AS year,
    CASE WHEN reason IS NULL THEN concept END AS concept,
    reason
FROM issue
UNION ALL BY NAME
SELECT reason FROM changed_issue
