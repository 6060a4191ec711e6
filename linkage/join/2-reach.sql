-- reads:  member, pair, part
-- writes: reach, what being in these datasets lets a project see
-- grain:  one combination of datasets that somebody is in
-- why:    people link through approved pairs only. Whoever is in two datasets that
--         are no pair is not linked by it, and the project does not learn of it.
--         Rows stay where they link; unlinked ones in the denominator alone
CREATE TEMP TABLE reach AS
SELECT m.datasets, m.linked, m.linked | (m.datasets & d.dataset) AS kept
FROM (
    SELECT c.datasets, coalesce(bit_or(p.both_bits), 0) AS linked
    FROM (SELECT DISTINCT datasets FROM member) c
    LEFT JOIN pair p ON (c.datasets & p.both_bits) = p.both_bits
    GROUP BY c.datasets
) m
CROSS JOIN part d
WHERE d.denominator;
