-- reads:  looked (person, value: the person's values of a combination of columns, as one text)
-- writes: how many people have which number of people around them, in bands, with
--         the smallest number in the band
-- grain:  one band
-- why:    how easily somebody can be recognised by these columns is how few others
--         share all of their values. Somebody with several rows goes by the rarest
WITH had AS (
    SELECT DISTINCT person, value FROM looked
), size AS (
    SELECT value, count(*) AS n FROM had GROUP BY value
), rarest AS (
    SELECT had.person, min(size.n) AS n FROM had JOIN size ON size.value = had.value GROUP BY had.person
)
SELECT
    CASE WHEN n = 1 THEN '1' WHEN n < 5 THEN '2 to 4' WHEN n < 10 THEN '5 to 9' ELSE '10 or more' END AS band,
    count(*) AS people,
    min(n) AS smallest,
    (SELECT count(*) FROM size) AS groups
FROM rarest
GROUP BY band
ORDER BY band;
