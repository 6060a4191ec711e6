-- reads:  run, practice, person, clinical, unit, src_entry (the second pass),
--         changed_entry
-- writes: the coded rows of the canonical table observations, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one entry of the export
-- why:    the gates in their order: other organisation, the person's own gate (a
--         deleted or opted-out person takes every entry along), deleted,
--         confidential, identifier codes, sensitive ones, codes that mean nothing, dates that
--         cannot be, values that no measurement has (and an identifier could)
WITH dated AS (
    SELECT
        e.* EXCLUDE (date, date_precision),
        clinical_date(e.date) AS date,
        clinical_precision(e.date, e.date_precision) AS date_precision
    FROM src_entry e
),
entry AS (
    SELECT
        p.person, c.concept, u.category AS unit, e.date,
        CASE WHEN e.value = 0 THEN 0 ELSE e.value END AS value, -- never a negative zero
        own_precision(e.date, e.date_precision, p.birth_date, p.death_date, p.vague) AS date_precision,
        CASE
            WHEN o.organisation IS NULL THEN 'other-organisation'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN p.gate IS NOT NULL THEN 'person-left-out'
            WHEN e.deleted THEN 'deleted'
            WHEN e.confidential THEN 'confidential'
            WHEN c.identifying THEN 'identifier-code'
            WHEN c.sensitive THEN 'sensitive'
            WHEN c.concept IS NULL THEN coalesce(c.problem, 'no-concept')
            WHEN e.date_bad OR NOT possible(e.date, e.date_precision, p.birth_date, r.as_at) THEN 'impossible-date'
            WHEN abs(e.value) >= 1e8 THEN 'impossible-value'
            WHEN e.value >= 1e6 AND (spells_day(e.value, p.birth_date) OR spells_day(e.value, p.death_date)) THEN 'impossible-value'
        END AS reason
    FROM dated e
    CROSS JOIN run r
    LEFT JOIN practice o ON o.organisation = e.organisation
    LEFT JOIN person p ON p.practice = o.practice AND p.patient = e.patient
    LEFT JOIN clinical c ON c.code = e.code
    LEFT JOIN unit u ON u.code = lower(e.unit)
)
SELECT
    CASE WHEN reason IS NULL THEN person END AS person,
    CASE WHEN reason IS NULL THEN own_date(date, date_precision) END AS date,
    CASE WHEN reason IS NULL THEN date_precision END AS date_precision,
    CASE WHEN reason IS NULL AND date_precision <> 'U' THEN year(date) END AS year,
    CASE WHEN reason IS NULL THEN concept END AS concept,
    CASE WHEN reason IS NULL THEN value END AS value,
    CASE WHEN reason IS NULL THEN unit END AS unit,
    reason
FROM entry
UNION ALL BY NAME
SELECT reason FROM changed_entry
