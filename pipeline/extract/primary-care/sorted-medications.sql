-- reads:  issue, kept, concept: this run's files of coded rows
-- writes: the canonical table medications, in the order of all its columns
-- grain:  one issue that stays in
-- why:    as sorted-observations
SELECT
    (SELECT list(person ORDER BY rank) FROM file_kept WHERE first)[rank] AS person,
    date,
    precision_text(date_precision) AS date_precision,
    year,
    (SELECT list(text ORDER BY number) FROM file_concept)[concept] AS concept
FROM (
    SELECT p.rank, e.date, e.date_precision, e.year, e.concept
    FROM file_issue e
    JOIN file_kept p ON p.number = e.number
    WHERE e.reason IS NULL
    ORDER BY ALL
)
