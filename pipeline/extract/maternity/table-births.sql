-- reads:  birth, again
-- writes: the coded rows of the canonical table births, and why a row stays out;
--         a row that stays out carries its reason and nothing else
-- grain:  one baby row of the export
-- why:    the gates are in 6-births: the account of numbers needs them too
SELECT
    person, baby, pregnancy, birth_month, gestation_weeks, birth_weight_g, outcome, method, NULL AS reason
FROM birth
WHERE reason IS NULL
UNION ALL BY NAME
SELECT reason FROM birth WHERE reason IS NOT NULL
UNION ALL BY NAME
SELECT reason FROM again, range(n)
