-- reads:  run, practice, src_patient, changed_patient
-- writes: patient, with the gates and flags that the patient's own row decides; life, what
--         the gates of entries need of it; elsewhere, the rows that are nobody's of
--         this site, or no longer
-- grain:  one patient row of the site's organisations (patient, life); one
--         other patient row (elsewhere)
-- why:    here, and only here, an NHS number becomes a code. A number that is
--         not usable never gets one: such a person stays in under a code that
--         holds for this site alone, and is not linkable. Of two rows of a patient
--         the one processed last counts; two that were processed together are
--         refused. The number of the row in this table, which means nothing
--         outside the run, is what entries carry until they are sorted
CREATE TEMP TABLE patient AS
SELECT
    p.row_at,
    o.practice,
    p.patient,
    p.sex,
    known_day(p.birth_date, r.as_at) AS birth_date,
    known_day(p.death_date, r.as_at) AS death_date,
    p.death_date_bad OR p.death_date IS DISTINCT FROM known_day(p.death_date, r.as_at) AS death_unclear,
    lost_day(p.birth_date, p.birth_date_bad, r.as_at) AS birth_lost,
    lost_day(p.death_date, p.death_date_bad, r.as_at) AS death_lost,
    p.registered_from,
    lost_day(p.registered_from, p.registered_from_bad, r.as_at) AS from_lost,
    p.registered_to,
    p.registered_to_bad AS to_lost, -- a registration may be known to end
    plain_postcode(p.postcode) AS postcode,
    number_problem(nhs_problem(coalesce(p.nhs_number, '')), p.number_status) AS problem,
    -- a number with a problem has no code
    coalesce(CASE WHEN problem = 'ok' THEN person_code(p.nhs_number) END, local_code(p.organisation || '/' || p.patient)) AS person,
    -- a choice holds for the number that it stands beside, traced or not
    CASE WHEN problem <> 'ok' AND nhs_problem(coalesce(p.nhs_number, '')) = 'ok' THEN person_code(p.nhs_number) END AS claimed,
    traced_gate(p.nhs_number, problem) AS number_gate,
    CASE
        WHEN NOT o.sharing THEN 'agreement'
        WHEN p.dummy OR lower(p.patient_type) LIKE '%dummy%' OR lower(trim(p.patient_type)) IN ('test', 'test patient') OR number_gate = 'test' THEN 'test'
        WHEN p.deleted THEN 'deleted'
    END AS gate,
    CASE
        WHEN p.restricted THEN 'restricted'
        WHEN p.confidential THEN 'confidential'
    END AS flagged
FROM (
    SELECT *
    FROM src_patient s
    SEMI JOIN practice o ON o.organisation = s.organisation
    WHERE s.patient IS NOT NULL
    QUALIFY rank() OVER (PARTITION BY s.organisation, s.patient ORDER BY s.sequence DESC NULLS LAST) = 1
) p
CROSS JOIN run r
JOIN practice o ON o.organisation = p.organisation;

-- One code with two birth or death dates: the dates of either row could give
-- away the other's.
CREATE TEMP TABLE conflict AS
SELECT person
FROM patient
GROUP BY person
HAVING min(birth_date) <> max(birth_date) OR min(death_date) <> max(death_date);

-- A date between ordinary_from and ordinary_to, however fine, is possible and far
-- from birth and death: that holds for nearly every entry, and is one comparison.
CREATE TEMP TABLE life AS
SELECT
    number, practice, patient, birth_date, death_date, vague,
    CASE WHEN NOT vague THEN birth_date + 60 END AS ordinary_from,
    least((SELECT as_at FROM run), death_date - 60) AS ordinary_to
FROM (
    SELECT
        CAST(p.rowid AS INTEGER) AS number, p.practice, p.patient, p.birth_date, p.death_date,
        p.birth_date IS NULL OR p.death_unclear OR x.person IS NOT NULL AS vague
    FROM patient p
    LEFT JOIN conflict x ON x.person = p.person
);

-- By its GUID a patient is looked for in life alone.
ALTER TABLE patient DROP COLUMN patient;

CREATE TEMP TABLE elsewhere AS
SELECT row_at, reason
FROM (
    SELECT
        p.row_at,
        CASE
            WHEN o.organisation IS NULL THEN 'other-organisation'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN rank() OVER (PARTITION BY p.organisation, p.patient ORDER BY p.sequence DESC NULLS LAST) > 1 THEN 'changed-later'
        END AS reason
    FROM src_patient p
    LEFT JOIN practice o ON o.organisation = p.organisation
    UNION ALL BY NAME
    FROM changed_patient
)
WHERE reason IS NOT NULL;
