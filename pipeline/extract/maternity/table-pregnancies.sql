-- reads:  pregnancy
-- writes: the coded rows of the canonical table pregnancies, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one booking row of the export
-- why:    the gates are in 5-pregnancies: births need them too
SELECT
    person, linkable, pregnancy, booked, booked_by_70_days, smoking, bmi, parity, ethnicity, ward, NULL AS reason
FROM pregnancy
WHERE reason IS NULL
UNION ALL BY NAME
SELECT row_at, reason FROM pregnancy WHERE reason IS NOT NULL
