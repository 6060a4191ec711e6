-- reads:  member, reach
-- writes: person, everybody whom the project keeps
-- grain:  one person
-- why:    kept are the datasets in whose tables the person stays, one bit each
CREATE TEMP TABLE person AS
SELECT m.person, r.kept
FROM member m
JOIN reach r ON r.datasets = m.datasets
WHERE r.kept <> 0;
