-- reads:  person
-- writes: kept, in a file of this run: the patients who stay in, with their codes
-- grain:  one patient row that stays in
-- why:    entries carry a patient's number. Sorting them by the rank of the code is
--         sorting them by the code, which the first row of each rank gives back
SELECT
    number,
    CAST(dense_rank() OVER codes AS INTEGER) AS rank,
    lag(person) OVER codes IS DISTINCT FROM person AS first,
    person
FROM person
WHERE gate IS NULL
WINDOW codes AS (ORDER BY person)
