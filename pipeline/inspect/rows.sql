-- reads:  looked (person, value: the column's value, or missing)
-- writes: a row for each number of rows that a person can have, in bands, with its people
-- grain:  one band
-- why:    how many rows somebody has is the only thing that the column of codes
--         may say. Somebody with very many stands out, so bands are wide at the end
SELECT
    CASE WHEN n = 1 THEN '1' WHEN n < 5 THEN '2 to 4' WHEN n < 10 THEN '5 to 9' WHEN n < 20 THEN '10 to 19'
         WHEN n < 100 THEN '20 to 99' ELSE '100 or more' END AS value,
    count(*) AS people,
    count(*) AS rows
FROM (SELECT person, count(*) AS n FROM looked GROUP BY person)
GROUP BY value;
