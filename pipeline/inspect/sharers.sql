-- reads:  looked_number (person, code, number), span (code, place: which rounded
--         quantile, low, high: the values that round to it)
-- writes: the people who have a value that rounds to a quantile
-- grain:  one rounded quantile of one code
-- why:    a number that few people share would be theirs
SELECT s.code, s.place, count(DISTINCT n.person) AS people
FROM span s
JOIN looked_number n ON n.code = s.code AND n.number >= s.low AND n.number < s.high
GROUP BY s.code, s.place;
