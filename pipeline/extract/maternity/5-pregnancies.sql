-- reads:  run, provider, person, booking
-- writes: pregnancy, every booking with what is kept of it and why it stays out
-- grain:  one booking row of the export
-- why:    the code of a pregnancy is made like that of a person without a number,
--         from a text that no person's is: an id is in capitals, so none begins
--         with the small letters of pregnancy/. The agreed date of delivery tells
--         how far the pregnancy was at the booking: 280 days less those to go. A
--         figure that cannot be is none: bodies of 10 to 100 kg/m², up to 30
--         births before, bookings within 45 weeks
CREATE TEMP TABLE pregnancy AS
SELECT
    b.row_at,
    b.pregnancy AS id,
    b.latest,
    p.person,
    p.problem = 'ok' AS linkable,
    local_code(r.site || '/pregnancy/' || b.pregnancy) AS pregnancy,
    own_month(b.booked, p.birth_date, p.death_date, p.vague) AS booked,
    CASE WHEN 280 - date_diff('day', b.booked, b.due) BETWEEN 0 AND 315
         THEN 280 - date_diff('day', b.booked, b.due) <= 70 END AS booked_by_70_days,
    CASE ltrim(b.smoking, '0') WHEN '1' THEN 'current' WHEN '2' THEN 'ex' WHEN '3' THEN 'non-smoker' WHEN '4' THEN 'never' END AS smoking,
    CASE WHEN b.bmi BETWEEN 10 AND 100 THEN round(b.bmi, 1) END AS bmi,
    CASE WHEN b.live_births >= 0 AND b.stillbirths >= 0 AND b.live_births + b.stillbirths <= 30
         THEN CAST(floor(b.live_births) + floor(b.stillbirths) AS INTEGER) END AS parity,
    coalesce(b.due_bad OR booked_by_70_days IS NULL AND b.booked IS NOT NULL AND b.due IS NOT NULL, false) AS due_lost,
    lost_cell(CASE WHEN b.bmi BETWEEN 10 AND 100 THEN b.bmi END, b.bmi_cell) AS bmi_lost,
    lost_cell(b.live_births, b.live_births_cell) OR lost_cell(b.stillbirths, b.stillbirths_cell)
        OR parity IS NULL AND b.live_births IS NOT NULL AND b.stillbirths IS NOT NULL AS parity_lost,
    p.ethnicity,
    p.ward,
    p.birth_date, p.death_date, p.death_vague, -- the mother's, for the births
    CASE
        WHEN NOT v.ours THEN 'other-organisation'
        WHEN NOT b.latest THEN 're-submitted'
        WHEN b.pregnancy IS NULL THEN 'no-identifier'
        WHEN p.patient IS NULL THEN 'no-patient'
        WHEN p.gate IS NOT NULL THEN p.gate
        WHEN impossible_day(b.booked, b.booked_bad, p.birth_date, r.as_at) THEN 'impossible-date'
    END AS reason
FROM booking b
CROSS JOIN run r
CROSS JOIN provider v
LEFT JOIN person p ON p.patient = b.patient;
