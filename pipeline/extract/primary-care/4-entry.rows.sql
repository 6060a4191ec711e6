-- reads:  run, practice, life, consultation, clinical, written, measure, src_entry (as
--         a rule its only pass), changed_entry
-- writes: entry, in a file of this run: the patient's number, what is kept of the
--         entry or why it stays out; told, what it says of the person as a whole; and
--         explained, what the code table says of its code: 2 something, 1 nothing, 0 it
--         has the code in another writing
-- grain:  one entry of the export
-- why:    the gates in their order: other organisation, nobody's, deleted,
--         confidential (each itself or by its consultation), identifier codes, sensitive
--         ones, codes that mean nothing, dates that cannot be, values that no measurement
--         has (and an identifier could).
--         Whether its person stays in is known only when every entry was read:
--         an opt-out is an entry too. Until then, and no longer than the run, the
--         file holds entries of people who will be left out as well, under numbers
--         that mean nothing outside the run: no code, no identifier, no text. What is
--         told keeps its date; the number that orders it is shifted by a secret of the
--         run, since somebody may have put another number in its place.
--         not-plain is no reason to stay out: it asks for another pass, in which
--         names are put into their plain form before they are matched
WITH dated AS (
    SELECT
        e.row_at, e.patient, e.organisation, e.code, e.date_bad, e.sequence_cell,
        -- As far as is known EMIS deletes the entries of a deleted consultation too. One that
        -- is not stays out, but nobody has said of it in as many words that it is gone: an
        -- opt-out holds, and a withdrawal does not count
        e.deleted OR coalesce(s.deleted, false) AS deleted,
        e.deleted_unclear OR NOT e.deleted AS deleted_unclear,
        e.confidential OR coalesce(s.confidential, false) AS confidential,
        l.number,
        o.organisation IS NOT NULL AS ours,
        c.local, c.concept, c.problem, c.identifying, c.sensitive, c.telling, coalesce(c.dying, false) AS dying,
        w.code IS NOT NULL AS otherwise,
        coalesce(u.number, v.number) AS unit_number,
        e.value_cell, e.unit_cell, e.date_precision_cell,
        l.birth_date, l.death_date, l.vague,
        clinical_date(e.date) AS date,
        clinical_precision(e.date, e.date_precision_cell) AS date_precision,
        CASE WHEN e.value = 0 THEN 0 ELSE e.value END AS value, -- never a negative zero
        coalesce(e.date BETWEEN l.ordinary_from AND l.ordinary_to, false) AS ordinary
    FROM src_entry e
    LEFT JOIN practice o ON o.organisation = e.organisation
    LEFT JOIN life l ON l.patient = e.patient AND l.practice = o.practice
    LEFT JOIN consultation s ON s.consultation = plain_consultation(e.consultation)
    LEFT JOIN clinical c ON c.code = e.code
    LEFT JOIN written w ON w.code = CASE WHEN c.local IS NULL THEN written_number(e.code) END
    LEFT JOIN measure u ON u.cell = e.unit_cell
    LEFT JOIN measure v ON v.cell = CASE WHEN u.cell IS NULL THEN lower(plain_text(e.unit_cell)) END
),
judged AS (
    SELECT
        *,
        -- an entry that somebody died may be the only one that has the day
        CASE WHEN ordinary AND NOT dying THEN date_precision ELSE own_precision(date, date_precision, birth_date, death_date, vague OR dying) END AS kept_precision,
        CASE
            WHEN number IS NULL THEN CASE
                WHEN plain_patient(patient) <> patient OR plain_organisation(organisation) <> organisation THEN 'not-plain'
                WHEN ours THEN 'no-patient'
                ELSE 'other-organisation'
            END
            WHEN local IS NULL AND plain_code(code) <> code THEN 'not-plain'
            WHEN deleted THEN 'deleted'
            WHEN confidential THEN 'confidential'
            WHEN identifying THEN 'identifier-code'
            WHEN sensitive THEN 'sensitive'
            WHEN concept IS NULL THEN coalesce(problem, 'no-concept')
            WHEN ordinary THEN NULL
            WHEN date_bad OR NOT possible(date, date_precision, birth_date, (SELECT as_at FROM run)) THEN 'impossible-date'
        END AS gate
    FROM dated
),
entry AS (
    SELECT
        *,
        CASE
            WHEN gate IS NOT NULL THEN gate
            WHEN short_value(value) THEN NULL
            WHEN impossible_value(value, birth_date, death_date) THEN 'impossible-value'
        END AS reason
    FROM judged
)
SELECT
    row_at,
    number,
    CASE WHEN reason IS NULL THEN own_date(date, kept_precision) END AS date,
    CASE WHEN reason IS NULL THEN precision_number(kept_precision) END AS date_precision,
    CASE WHEN reason IS NULL AND kept_precision <> 'U' THEN CAST(year(date) AS SMALLINT) END AS year,
    CASE WHEN reason IS NULL THEN concept END AS concept,
    CASE WHEN reason IS NULL THEN value END AS value,
    CASE WHEN reason IS NULL THEN unit_number END AS unit,
    reason,
    -- what the entry goes without: 1 its value, 2 its unit, 4 the precision of its date
    CASE WHEN reason IS NULL AND (lost_cell(value, value_cell) OR lost_cell(unit_number, unit_cell) OR strange_precision(date_precision_cell))
         THEN CAST((CASE WHEN lost_cell(value, value_cell) THEN 1 ELSE 0 END)
             + (CASE WHEN lost_cell(unit_number, unit_cell) THEN 2 ELSE 0 END)
             + (CASE WHEN strange_precision(date_precision_cell) THEN 4 ELSE 0 END) AS UTINYINT) END AS lost,
    CASE WHEN number IS NOT NULL AND code IS NOT NULL THEN CAST(CASE WHEN local IS NOT NULL THEN 2 WHEN otherwise THEN 0 ELSE 1 END AS UTINYINT) END AS explained,
    CASE WHEN telling AND number IS NOT NULL AND (NOT deleted OR deleted_unclear) THEN CAST({
        'local': local,
        'date': date,
        'date_precision': date_precision,
        'date_bad': date_bad,
        'sequence': CASE WHEN TRY_CAST(sequence_cell AS HUGEINT) BETWEEN -1e36 AND 1e36 THEN TRY_CAST(sequence_cell AS HUGEINT) + (SELECT shift FROM run) END,
        'deleted': deleted,
        'confidential': confidential
    } AS VARCHAR) END AS told
FROM entry
UNION ALL BY NAME
SELECT row_at, reason FROM changed_entry
