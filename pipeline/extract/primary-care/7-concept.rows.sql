-- reads:  concept
-- writes: concept, in a file of this run
-- grain:  one concept of the export's code tables
-- why:    entries carry the number, and get the text back once they are sorted
SELECT number, text
FROM concept
