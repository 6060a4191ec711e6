-- reads:  entry, kept: this run's files of coded rows
-- writes: why rows stay out of the canonical table observations
-- grain:  one entry that stays out
-- why:    a person's own gate comes before those of the entry: whoever is left out
--         takes every entry along
SELECT e.row_at, CASE WHEN e.number IS NOT NULL AND p.number IS NULL THEN 'person-left-out' ELSE e.reason END AS reason
FROM file_entry e
LEFT JOIN file_kept p ON p.number = e.number
WHERE e.reason IS NOT NULL OR p.number IS NULL
