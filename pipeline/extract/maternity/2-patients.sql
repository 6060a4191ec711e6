-- reads:  run, provider, src_mother, src_baby
-- writes: patient, the mothers; infant, the babies; again, the rows of babies
--         that are not the latest
-- grain:  one mother, the latest row of each (patient); one baby of a delivery, the
--         latest row of each (infant); one other row of a baby (again)
-- why:    here, and only here, an NHS number becomes a code. A mother whose
--         number is not usable stays in under a code that holds for this site
--         alone; a baby's, often not yet known, stays empty. Whoever was submitted
--         again is what the highest record number says; where it says nothing,
--         rows that differ make two rows here, which are refused. A baby without
--         any name stands for itself
CREATE TEMP TABLE patient AS
SELECT
    p.patient,
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
    SELECT DISTINCT patient, nhs_number, number_status, ethnicity, birth_date, birth_date_bad, death_date, death_date_bad, postcode
    FROM (
        SELECT *
        FROM src_mother
        WHERE patient IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY patient ORDER BY submitted DESC NULLS LAST) = 1
    )
) p
CROSS JOIN run r
JOIN provider v ON v.ours;

CREATE TEMP TABLE named_baby AS
SELECT *, coalesce(baby, 'order/' || birth_order, 'row/' || row_number() OVER ()) AS name
FROM src_baby;

CREATE TEMP TABLE infant AS
SELECT
    b.* EXCLUDE (nhs_number, number_status, death_date, death_date_bad),
    known_day(b.death_date, r.as_at) AS death_date,
    b.death_date_bad OR b.death_date IS DISTINCT FROM known_day(b.death_date, r.as_at) AS death_unclear,
    lost_day(b.death_date, b.death_date_bad, r.as_at) AS death_lost,
    number_problem(nhs_problem(coalesce(b.nhs_number, '')), b.number_status) AS problem,
    traced_gate(b.nhs_number, problem) AS number_gate,
    CASE WHEN problem = 'ok' THEN person_code(b.nhs_number) END AS code
FROM (
    SELECT min(row_at) AS row_at, name, baby, delivery, nhs_number, number_status, birth_date, birth_date_bad, death_date, death_date_bad, outcome, gestation, lost_cell(gestation, gestation_cell) AS gestation_lost, method
    FROM (
        SELECT *
        FROM named_baby
        QUALIFY rank() OVER (PARTITION BY delivery, name ORDER BY submitted DESC NULLS LAST) = 1
    )
    GROUP BY ALL
) b
CROSS JOIN run r
JOIN provider v ON v.ours;

CREATE TEMP TABLE again AS
SELECT row_at, reason
FROM (
    SELECT
        b.row_at,
        CASE
            WHEN NOT v.ours THEN 'other-organisation'
            WHEN row_number() OVER (PARTITION BY b.delivery, b.name ORDER BY b.submitted DESC NULLS LAST, b.row_at) > 1 THEN 're-submitted'
        END AS reason
    FROM named_baby b
    CROSS JOIN provider v
)
WHERE reason IS NOT NULL;
