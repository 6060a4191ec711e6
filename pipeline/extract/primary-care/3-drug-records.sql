-- reads:  practice, src_drug_record
-- writes: drug_record, those whose issues stay out
-- grain:  one drug record of the site that is deleted or confidential
-- why:    as 3-consultations: an issue tells what its record says
CREATE TEMP TABLE drug_record AS
SELECT o.practice, d.drug_record, bool_or(d.deleted) AS deleted, bool_or(d.confidential) AS confidential
FROM src_drug_record d
JOIN practice o ON o.organisation = d.organisation
WHERE d.drug_record IS NOT NULL AND (d.deleted OR d.confidential)
GROUP BY o.practice, d.drug_record;
