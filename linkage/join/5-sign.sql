-- reads:  trait, what datasets say of the same person, and person
-- writes: sign
-- grain:  the one row of counts of people
-- why:    a code that two people share shows in what their records say. Counted are
--         people of whom at least two datasets tell, when not all say the same.
--         Sex as a practice has it and gender as a person states it may differ
--         without any error: these are signs, to be looked at as a number
CREATE TEMP TABLE sign AS
SELECT
    count(*) FILTER (WHERE first_year <> last_year AND bit_count(year_from) > 1) AS two_birth_years,
    count(*) FILTER (WHERE sexes = 3 AND bit_count(sex_from) > 1) AS two_sexes
FROM (
    SELECT
        t.person,
        min(t.birth_year) AS first_year,
        max(t.birth_year) AS last_year,
        bit_or(t.dataset) FILTER (WHERE t.birth_year IS NOT NULL) AS year_from,
        bit_or(CASE t.sex WHEN 'F' THEN 1 WHEN 'M' THEN 2 ELSE 0 END) AS sexes,
        bit_or(t.dataset) FILTER (WHERE t.sex IN ('F', 'M')) AS sex_from
    FROM trait t
    JOIN person p ON p.person = t.person AND (p.kept & t.dataset) <> 0 AND bit_count(p.kept) > 1
    GROUP BY t.person
);
