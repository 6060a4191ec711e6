-- reads:  run, patient, place
-- writes: person, everything that is known and kept of a mother
-- grain:  one mother of the trust
-- why:    two mothers under one number are one person. What either row knows of
--         birth and death holds for both, and where they disagree every date could
--         give one of them away. The trust's feed carries no opt-outs;
--         the national one is in a list of its own
CREATE TEMP TABLE lifetime AS
SELECT
    person,
    min(birth_date) AS birth_date,
    min(death_date) AS death_date,
    bool_or(death_unclear) OR count(DISTINCT death_date) > 1 AS death_vague,
    min(birth_date) IS NULL OR count(DISTINCT birth_date) > 1 AS birth_vague
FROM patient
GROUP BY person;

CREATE TEMP TABLE person AS
SELECT
    p.patient, p.person, p.problem, p.postcode,
    p.birth_date AS own_birth,
    t.birth_date, t.death_date, t.death_vague,
    t.birth_vague OR t.death_vague AS vague,
    CASE
        WHEN p.number_gate = 'test' THEN 'test'
        WHEN p.problem <> 'ok' AND r.drop_unlinkable THEN 'unlinkable'
        WHEN p.number_gate = 'national-opt-out' THEN p.number_gate
    END AS gate,
    ethnic_letter(p.ethnicity) AS ethnicity,
    ward_word(p.postcode, w.ward, w.known) AS ward
FROM patient p
CROSS JOIN run r
JOIN lifetime t ON t.person = p.person
LEFT JOIN place w ON w.postcode = p.postcode;
