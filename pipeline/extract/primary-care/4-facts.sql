-- reads:  practice, marked, src_entry (the first pass over the observations)
-- writes: fact, the entries that say something about the person as a whole
-- grain:  one entry on a list
-- why:    EMIS has no columns for opt-outs, ethnicity, language, religion or
--         country of birth: they are coded entries. A confidential entry says
--         nothing about a person, but an opt-out holds even when confidential
CREATE TEMP TABLE fact AS
SELECT
    e.patient,
    m.list,
    m.category,
    CASE WHEN e.date <= DATE '1900-01-01' THEN NULL ELSE e.date END AS date,
    e.sequence
FROM src_entry e
JOIN practice o ON o.organisation = e.organisation
JOIN marked m ON m.code = e.code
WHERE NOT e.deleted
  AND (NOT e.confidential OR m.list IN ('type-1-opt-out', 'local-dissent'));
