-- reads:  entry, kept, concept, unit: this run's files of coded rows
-- writes: the canonical table observations, in the order of all its columns
-- grain:  one entry that stays in
-- why:    numbers sort faster than what they stand for, and in the same order. What
--         they stand for is then looked up in a list: a join keeps the order of its
--         rows only as long as it has room
SELECT
    (SELECT list(person ORDER BY rank) FROM file_kept WHERE first)[rank] AS person,
    date,
    precision_text(date_precision) AS date_precision,
    year,
    (SELECT list(text ORDER BY number) FROM file_concept)[concept] AS concept,
    value,
    (SELECT list(text ORDER BY number) FROM file_unit)[unit] AS unit
FROM (
    SELECT p.rank, e.date, e.date_precision, e.year, e.concept, e.value, e.unit
    FROM file_entry e
    JOIN file_kept p ON p.number = e.number
    WHERE e.reason IS NULL
    ORDER BY ALL
)
