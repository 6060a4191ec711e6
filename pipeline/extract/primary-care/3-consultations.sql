-- reads:  practice, src_consultation
-- writes: consultation, those whose entries and issues stay out
-- grain:  one consultation of the site that is deleted or confidential
-- why:    what was said in confidence is confidential, whether or not each entry is
--         marked as well. Of a practice's million consultations these are few, and
--         only they are kept in memory. Where one stands there twice, the stricter row
--         counts
CREATE TEMP TABLE consultation AS
SELECT o.practice, c.consultation, bool_or(c.deleted) AS deleted, bool_or(c.confidential) AS confidential
FROM src_consultation c
JOIN practice o ON o.organisation = c.organisation
WHERE c.consultation IS NOT NULL AND (c.deleted OR c.confidential)
GROUP BY o.practice, c.consultation;
