-- reads:  run, person, src_primary_care_observations, entry_code
-- writes: entry, what each registered person had recorded lately
-- grain:  one feature of a person
-- why:    the months end with the date and begin the day after the same day so many
--         months before. An entry of which only the year is known counts as its first
--         of July, if that year is not after the date's; an undated one is not of any
--         time. What the value was does not matter
CREATE TEMP TABLE entry AS
SELECT DISTINCT o.person, c.feature
FROM src_primary_care_observations o
JOIN entry_code c ON c.code = o.concept
CROSS JOIN run r
SEMI JOIN person p ON p.person = o.person
WHERE coalesce(o.date <= r.as_at, o.year <= year(r.as_at))
  AND coalesce(o.date, make_date(o.year, 7, 1)) > r.as_at - to_months(c.months);
