-- reads:  looked (person, value: the column's value, or missing)
-- writes: each value with the people who have it and the rows it stands in
-- grain:  one value, the missing one included
-- why:    people are counted, not rows, or one person with many entries would
--         look like many people
SELECT value, count(DISTINCT person) AS people, count(*) AS rows
FROM looked
GROUP BY value;
