-- reads:  person, condition, entry, member, registered, membership, recorded, entered
-- writes: feature, who counts towards what
-- grain:  one feature of a person
-- why:    the long form is the fastest to count by many views at once. Lowest ages
--         hold for numerators as for denominators, and a numerator within a
--         denominator of its own counts nobody else
CREATE TEMP TABLE feature AS
SELECT p.person, d.feature
FROM person p
JOIN registered d ON d.lowest_age = 0 OR p.years >= d.lowest_age
UNION ALL
SELECT person, feature
FROM member
UNION ALL
SELECT c.person, m.feature
FROM condition c
JOIN membership m ON m.condition = c.condition
JOIN person p ON p.person = c.person AND (m.lowest_age = 0 OR p.years >= m.lowest_age)
WHERE m.within IS NULL OR EXISTS (FROM member b WHERE b.person = p.person AND b.feature = m.within)
GROUP BY c.person, m.feature, m.at_least
HAVING count(*) >= m.at_least
UNION ALL
SELECT p.person, r.feature
FROM person p
JOIN recorded r ON r.code = p.ethnicity AND (r.lowest_age = 0 OR p.years >= r.lowest_age)
WHERE r.within IS NULL OR EXISTS (FROM member b WHERE b.person = p.person AND b.feature = r.within)
UNION ALL
SELECT e.person, e.feature
FROM entry e
JOIN entered n ON n.feature = e.feature
JOIN person p ON p.person = e.person AND (n.lowest_age = 0 OR p.years >= n.lowest_age)
WHERE n.within IS NULL OR EXISTS (FROM member b WHERE b.person = p.person AND b.feature = n.within);
