-- reads:  run, patient, referral, place
-- writes: person, everything that is known and kept of a patient
-- grain:  one patient of the trust
-- why:    two patients under one number are one person. What either row knows of
--         birth and death holds for both, and where they disagree every date could
--         give one of them away. One row is chosen to describe the person: of the
--         patient who was referred last, then of the one submitted last. The
--         trust's feed carries no opt-outs; the national one is in a list of its own
CREATE TEMP TABLE lifetime AS
SELECT
    person,
    min(birth_date) AS birth_date,
    min(death_date) AS death_date,
    min(birth_date) IS NULL OR bool_or(death_unclear) OR count(DISTINCT birth_date) > 1 OR count(DISTINCT death_date) > 1 AS vague
FROM patient
GROUP BY person;

CREATE TEMP TABLE person AS
SELECT
    p.row_at, p.patient, p.person, p.problem, p.postcode, p.gender,
    p.birth_date AS own_birth,
    t.birth_date, t.death_date, t.vague,
    CASE
        WHEN p.number_gate = 'test' THEN 'test'
        WHEN p.problem <> 'ok' AND r.drop_unlinkable THEN 'unlinkable'
        WHEN p.number_gate = 'national-opt-out' THEN p.number_gate
    END AS gate,
    ethnic_letter(p.ethnicity) AS ethnicity,
    ward_word(p.postcode, w.ward, w.known) AS ward,
    w.lsoa,
    row_number() OVER (PARTITION BY p.person ORDER BY f.received DESC NULLS LAST, p.sequence DESC NULLS LAST, p.patient) = 1 AS chosen
FROM patient p
CROSS JOIN run r
JOIN lifetime t ON t.person = p.person
LEFT JOIN (
    SELECT patient, max(received) AS received
    FROM referral
    WHERE latest AND received <= (SELECT as_at FROM run)
    GROUP BY patient
) f ON f.patient = p.patient
LEFT JOIN place w ON w.postcode = p.postcode;
