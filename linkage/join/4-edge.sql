-- reads:  family, the mother and the baby of every released birth, and person
-- writes: edge
-- grain:  one mother and baby (in one pregnancy)
-- why:    mother and baby stay two people. Twins are two edges. A baby with two
--         mothers is a wrong link somewhere: nobody here can tell which, so
--         neither is used. All released births are asked for that, kept or not.
--         A baby without a usable number has no code, and no edge
CREATE TEMP TABLE edge AS
SELECT DISTINCT f.mother, f.baby, f.pregnancy, q.baby IS NOT NULL AS quarantined
FROM family f
JOIN person m ON m.person = f.mother AND (m.kept & f.dataset) <> 0
JOIN person b ON b.person = f.baby AND (b.kept & f.dataset) <> 0
LEFT JOIN (
    SELECT baby
    FROM family
    WHERE baby IS NOT NULL AND mother IS NOT NULL
    GROUP BY baby
    HAVING min(mother) <> max(mother)
) q ON q.baby = f.baby;
