-- reads:  birth, again
-- writes: the coded rows of the canonical table births, and why a row stays out;
--         a row that stays out carries its reason and nothing else
-- grain:  one baby row of the export
-- why:    the gates are in 6-births: the account of numbers needs them too. Of a
--         baby that is left out the row keeps that its mother gave birth, and how
SELECT
    person,
    CASE WHEN NOT partly THEN baby END AS baby,
    pregnancy,
    CASE WHEN NOT partly THEN birth_month END AS birth_month,
    CASE WHEN NOT partly THEN gestation_weeks END AS gestation_weeks,
    CASE WHEN NOT partly THEN birth_weight_g END AS birth_weight_g,
    CASE WHEN NOT partly THEN outcome END AS outcome,
    method,
    NULL AS reason
FROM birth
WHERE reason IS NULL
UNION ALL BY NAME
SELECT row_at, reason FROM birth WHERE reason IS NOT NULL
UNION ALL BY NAME
SELECT row_at, reason FROM again
