-- reads:  run, person, src_slam_diagnoses, diagnosis_code
-- writes: member, who has a diagnosis that makes a denominator
-- grain:  one denominator of a person
-- why:    a diagnosis at the trust counts from the day it was recorded, for good: it
--         is not resolved. A code of the list stands for itself and for every finer
--         code: F31 for F312. One of which only the year is known counts from that
--         year on; an undated one counts always
INSERT INTO member
SELECT DISTINCT p.person, c.feature
FROM src_slam_diagnoses d
JOIN diagnosis_code c ON left(c.code, 3) = left(d.icd10, 3) AND starts_with(d.icd10, c.code)
CROSS JOIN run r
JOIN person p ON p.person = d.person AND (c.lowest_age = 0 OR p.years >= c.lowest_age)
WHERE coalesce(d.date <= r.as_at, d.year <= year(r.as_at), true);
