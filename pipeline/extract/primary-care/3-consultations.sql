-- reads:  src_consultation
-- writes: consultation, those whose entries and issues stay out
-- grain:  one consultation that is deleted or confidential
-- why:    what was said in confidence is confidential, whether or not each entry is
--         marked as well. Of a practice's million consultations these are few, and
--         only they are kept in memory. Where one stands there twice, the stricter row
--         counts, whosever organisation it names: an id is of one consultation
CREATE TEMP TABLE consultation AS
SELECT consultation, bool_or(deleted) AS deleted, bool_or(confidential) AS confidential
FROM src_consultation
WHERE consultation IS NOT NULL AND (deleted OR confidential)
GROUP BY consultation;
