-- reads:  practice, marked, sensitive, src_entry (the first pass over the observations)
-- writes: fact, the entries that say something about the person as a whole
-- grain:  one entry on a list
-- why:    EMIS has no columns for opt-outs, ethnicity, language, religion,
--         country of birth or smoking: they are coded entries. A confidential entry says
--         nothing about a person, and neither does one that the policy leaves
--         out; but an opt-out holds even then, and is gone only when the source
--         says so in as many words
CREATE TEMP TABLE fact AS
SELECT
    o.practice,
    e.patient,
    m.list,
    m.category,
    clinical_date(e.date) AS date,
    clinical_precision(e.date, e.date_precision) AS date_precision,
    e.date_bad,
    CASE WHEN isfinite(e.sequence) THEN e.sequence ELSE 0 END AS sequence -- infinity would win every tie
FROM src_entry e
JOIN marked m ON m.code = e.code
JOIN practice o ON o.organisation = e.organisation
WHERE m.list <> 'identifiers'
  AND CASE WHEN m.list IN ('type-1-opt-out', 'local-dissent')
           THEN NOT e.deleted OR (e.deleted_unclear AND m.category <> 'withdrawn')
           ELSE NOT e.deleted AND NOT e.confidential AND m.code NOT IN (SELECT code FROM sensitive) END;
