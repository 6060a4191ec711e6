-- reads:  entry, clinical, marked, sensitive
-- writes: fact, the entries that say something about the person as a whole
-- grain:  one entry on a list
-- why:    EMIS has no columns for opt-outs, ethnicity, language, religion,
--         country of birth or smoking: they are coded entries. A confidential entry says
--         nothing about a person, and neither does one that the policy leaves
--         out; but an opt-out holds even then, and is gone only when the source
--         says so in as many words
CREATE TEMP TABLE fact AS
SELECT
    e.number,
    m.list,
    m.category,
    e.date,
    e.date_precision,
    e.date_bad,
    e.sequence
FROM (
    SELECT number, unnest(CAST(told AS STRUCT(
        local INTEGER, date DATE, date_precision VARCHAR, date_bad BOOLEAN, sequence HUGEINT, deleted BOOLEAN, confidential BOOLEAN)))
    FROM file_entry
    WHERE told IS NOT NULL
) e
JOIN clinical c ON c.local = e.local
JOIN marked m ON m.code = c.code
WHERE m.list NOT IN ('identifiers', 'death')
  -- told holds no entry that was deleted in as many words
  AND CASE WHEN m.list IN ('type-1-opt-out', 'local-dissent')
           THEN NOT e.deleted OR m.category <> 'withdrawn'
           ELSE NOT e.deleted AND NOT e.confidential AND m.code NOT IN (SELECT code FROM sensitive) END;
