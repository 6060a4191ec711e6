-- reads:  run, practice, src_patient
-- writes: patient, with the gates that the patient's own row decides; elsewhere,
--         how many rows are nobody's of this site
-- grain:  one patient row of the site's organisations (patient); one reason (elsewhere)
-- why:    here, and only here, an NHS number becomes a code. A number that is
--         not usable never gets one: such a person stays in under a code that
--         holds for this site alone, and is not linkable
CREATE TEMP TABLE patient AS
SELECT
    o.practice,
    p.patient,
    p.sex,
    known_day(p.birth_date, r.as_at) AS birth_date,
    known_day(p.death_date, r.as_at) AS death_date,
    p.death_date_bad OR p.death_date IS DISTINCT FROM known_day(p.death_date, r.as_at) AS death_unclear,
    p.registered_from,
    p.registered_to,
    plain_postcode(p.postcode) AS postcode,
    nhs_problem(coalesce(p.nhs_number, '')) AS problem,
    -- a number with a problem has no code
    coalesce(person_code(p.nhs_number), local_code(p.organisation || '/' || p.patient)) AS person,
    number_gate(coalesce(p.nhs_number, '')) AS number_gate,
    CASE
        WHEN NOT o.sharing THEN 'agreement'
        WHEN p.dummy OR lower(p.patient_type) LIKE '%dummy%' OR number_gate = 'test' THEN 'test'
        WHEN p.deleted THEN 'deleted'
        WHEN p.restricted THEN 'restricted'
        WHEN p.confidential THEN 'confidential'
    END AS gate
FROM src_patient p
CROSS JOIN run r
JOIN practice o ON o.organisation = p.organisation
WHERE p.patient IS NOT NULL;

CREATE TEMP TABLE elsewhere AS
SELECT
    CASE WHEN o.organisation IS NULL THEN 'other-organisation' ELSE 'no-patient' END AS reason,
    count(*) AS n
FROM src_patient p
LEFT JOIN practice o ON o.organisation = p.organisation
WHERE o.organisation IS NULL OR p.patient IS NULL
GROUP BY ALL;
