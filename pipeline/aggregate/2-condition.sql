-- reads:  run, person, src_primary_care_observations, condition_code
-- writes: condition, what each registered person has
-- grain:  one condition of a person
-- why:    a register is "has a code that no later resolved code ends"; on the same
--         day the condition stays. Codes count from every practice the person was
--         with, up to the date. An entry of which only the year is known counts as
--         its first of July; an undated one as the earliest
CREATE TEMP TABLE condition AS
SELECT person, condition
FROM (
    SELECT
        o.person,
        c.condition,
        c.resolved,
        coalesce(o.date, make_date(o.year, 7, 1), DATE '0001-01-01') AS day
    FROM src_primary_care_observations o
    JOIN condition_code c ON c.code = o.concept
    CROSS JOIN run r
    SEMI JOIN person p ON p.person = o.person
    WHERE coalesce(o.date <= r.as_at, o.year <= year(r.as_at), true)
)
GROUP BY person, condition
HAVING max(day) FILTER (NOT resolved) >= coalesce(max(day) FILTER (resolved), DATE '0001-01-01');
