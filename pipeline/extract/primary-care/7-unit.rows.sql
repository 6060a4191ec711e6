-- reads:  measure
-- writes: unit, in a file of this run
-- grain:  one unit
-- why:    as 7-concept
SELECT DISTINCT number, unit AS text
FROM measure
