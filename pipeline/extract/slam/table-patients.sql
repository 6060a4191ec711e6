-- reads:  person, elsewhere
-- writes: the coded rows of the canonical table patients, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one patient row of the export
-- why:    one row for each person; a birth keeps its year
SELECT
    person,
    problem = 'ok' AS linkable,
    CASE gender WHEN '1' THEN 'M' WHEN '2' THEN 'F' WHEN '9' THEN 'I' ELSE 'U' END AS gender,
    year(coalesce(own_birth, birth_date)) AS birth_year,
    ethnicity,
    CASE WHEN ward LIKE 'E05%' THEN lsoa END AS lsoa,
    ward,
    NULL AS reason
FROM person
WHERE gate IS NULL AND chosen
UNION ALL BY NAME
SELECT row_at, coalesce(gate, 'same-person') AS reason FROM person WHERE gate IS NOT NULL OR NOT chosen
UNION ALL BY NAME
SELECT row_at, reason FROM elsewhere
