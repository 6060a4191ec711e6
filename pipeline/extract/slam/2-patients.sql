-- reads:  run, provider, src_patient
-- writes: patient; elsewhere, the rows that are no patient's latest
-- grain:  one patient of the trust, the latest row of each (patient); one other row (elsewhere)
-- why:    here, and only here, an NHS number becomes a code. A number that is
--         not usable never gets one: such a person stays in under a code that
--         holds for this site alone, and is not linkable. A patient who was
--         submitted again is what the highest row number says; where it says
--         nothing, rows that differ make two rows here, which are refused
CREATE TEMP TABLE patient AS
SELECT
    p.row_at,
    p.patient,
    p.sequence,
    p.gender,
    p.ethnicity,
    known_day(p.birth_date, r.as_at) AS birth_date,
    known_day(p.death_date, r.as_at) AS death_date,
    p.death_date_bad OR p.death_date IS DISTINCT FROM known_day(p.death_date, r.as_at) AS death_unclear,
    lost_day(p.birth_date, p.birth_date_bad, r.as_at) AS birth_lost,
    lost_day(p.death_date, p.death_date_bad, r.as_at) AS death_lost,
    plain_postcode(p.postcode) AS postcode,
    number_problem(nhs_problem(coalesce(p.nhs_number, '')), p.number_status) AS problem,
    traced_gate(p.nhs_number, problem) AS number_gate,
    -- a number with a problem has no code
    coalesce(CASE WHEN problem = 'ok' THEN person_code(p.nhs_number) END, local_code(r.site || '/' || p.patient)) AS person
FROM (
    SELECT min(row_at) AS row_at, patient, max(sequence) AS sequence, nhs_number, number_status, gender, ethnicity, birth_date, birth_date_bad, death_date, death_date_bad, postcode
    FROM (
        SELECT *
        FROM src_patient
        WHERE patient IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY patient ORDER BY submitted DESC NULLS LAST) = 1
    )
    GROUP BY ALL
) p
CROSS JOIN run r
JOIN provider v ON v.ours;

CREATE TEMP TABLE elsewhere AS
SELECT row_at, reason
FROM (
    SELECT
        p.row_at,
        CASE
            WHEN NOT v.ours THEN 'other-organisation'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN row_number() OVER (PARTITION BY p.patient ORDER BY p.submitted DESC NULLS LAST, p.row_at) > 1 THEN 're-submitted'
        END AS reason
    FROM src_patient p
    CROSS JOIN provider v
)
WHERE reason IS NOT NULL;
