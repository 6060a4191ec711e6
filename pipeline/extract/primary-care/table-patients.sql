-- reads:  run, person, elsewhere
-- writes: the coded rows of the canonical table patients, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one patient row of the export
-- why:    a birth or death keeps its year; a registration keeps its month, and
--         within 28 days of the person's own birth or death its year
SELECT
    person,
    problem = 'ok' AS linkable,
    (SELECT site FROM run) AS site,
    CASE WHEN upper(sex) IN ('F', 'M', 'I') THEN upper(sex) ELSE 'U' END AS sex,
    year(birth_date) AS birth_year,
    ethnicity, language, country_of_birth, religion, smoking,
    CASE WHEN ward LIKE 'E05%' THEN lsoa END AS lsoa,
    ward,
    CASE WHEN ward LIKE 'E05%' THEN imd_decile END AS imd_decile,
    own_month(registered_from, birth_date, death_date, vague) AS registered_from,
    own_month(registered_to, birth_date, death_date, vague) AS registered_to,
    year(death_date) AS death_year,
    NULL AS reason
FROM person
WHERE gate IS NULL
UNION ALL BY NAME
SELECT row_at, gate AS reason FROM person WHERE gate IS NOT NULL
UNION ALL BY NAME
SELECT row_at, reason FROM elsewhere
