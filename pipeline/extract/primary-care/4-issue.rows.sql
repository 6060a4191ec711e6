-- reads:  run, practice, life, consultation, drug_record, drug, src_issue, changed_issue
-- writes: issue, in a file of this run: the patient's number and what is kept of
--         the issue, or why it stays out
-- grain:  one issue of the export
-- why:    the gates of 4-entry, as far as an issue has them; its drug record's flags hold
--         as its consultation's do
WITH dated AS (
    SELECT
        e.row_at, e.patient, e.organisation, e.code, e.date_bad, e.date_precision_cell,
        e.deleted OR coalesce(s.deleted, false) OR coalesce(r.deleted, false) AS deleted,
        e.confidential OR coalesce(s.confidential, false) OR coalesce(r.confidential, false) AS confidential,
        l.number,
        o.organisation IS NOT NULL AS ours,
        d.code AS known, d.concept, d.problem, d.sensitive,
        l.birth_date, l.death_date, l.vague,
        clinical_date(e.date) AS date,
        clinical_precision(e.date, e.date_precision_cell) AS date_precision,
        coalesce(e.date BETWEEN l.ordinary_from AND l.ordinary_to, false) AS ordinary
    FROM src_issue e
    LEFT JOIN practice o ON o.organisation = e.organisation
    LEFT JOIN life l ON l.patient = e.patient AND l.practice = o.practice
    LEFT JOIN consultation s ON s.consultation = plain_consultation(e.consultation)
    LEFT JOIN drug_record r ON r.drug_record = plain_drug_record(e.drug_record)
    LEFT JOIN drug d ON d.code = e.code
),
issue AS (
    SELECT
        *,
        CASE WHEN ordinary THEN date_precision ELSE own_precision(date, date_precision, birth_date, death_date, vague) END AS kept_precision,
        CASE
            WHEN number IS NULL THEN CASE
                WHEN plain_patient(patient) <> patient OR plain_organisation(organisation) <> organisation THEN 'not-plain'
                WHEN ours THEN 'no-patient'
                ELSE 'other-organisation'
            END
            WHEN known IS NULL AND plain_code(code) <> code THEN 'not-plain'
            WHEN deleted THEN 'deleted'
            WHEN confidential THEN 'confidential'
            WHEN sensitive THEN 'sensitive'
            WHEN concept IS NULL THEN coalesce(problem, 'no-concept')
            WHEN ordinary THEN NULL
            WHEN date_bad OR NOT possible(date, date_precision, birth_date, (SELECT as_at FROM run)) THEN 'impossible-date'
        END AS reason
    FROM dated
)
SELECT
    row_at,
    number,
    CASE WHEN reason IS NULL THEN own_date(date, kept_precision) END AS date,
    CASE WHEN reason IS NULL THEN precision_number(kept_precision) END AS date_precision,
    CASE WHEN reason IS NULL AND kept_precision <> 'U' THEN CAST(year(date) AS SMALLINT) END AS year,
    CASE WHEN reason IS NULL THEN concept END AS concept,
    reason,
    reason IS NULL AND strange_precision(date_precision_cell) AS lost -- the precision of its date
FROM issue
UNION ALL BY NAME
SELECT row_at, reason FROM changed_issue
