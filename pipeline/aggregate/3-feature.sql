-- reads:  person, condition, denominator, membership, recorded
-- writes: feature, who counts towards what
-- grain:  one feature of a person
-- why:    the long form is the fastest to count by many views at once. Lowest ages
--         hold for numerators as for denominators
CREATE TEMP TABLE feature AS
SELECT p.person, d.feature
FROM person p
JOIN denominator d ON d.lowest_age = 0 OR p.years >= d.lowest_age
UNION ALL
SELECT c.person, m.feature
FROM condition c
JOIN membership m ON m.condition = c.condition
JOIN person p ON p.person = c.person AND (m.lowest_age = 0 OR p.years >= m.lowest_age)
GROUP BY c.person, m.feature, m.at_least
HAVING count(*) >= m.at_least
UNION ALL
SELECT p.person, r.feature
FROM person p
JOIN recorded r ON r.code = p.ethnicity AND (r.lowest_age = 0 OR p.years >= r.lowest_age);
