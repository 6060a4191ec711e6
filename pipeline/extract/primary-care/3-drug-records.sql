-- reads:  src_drug_record
-- writes: drug_record, those whose issues stay out
-- grain:  one drug record that is deleted or confidential
-- why:    as 3-consultations: an issue tells what its record says
CREATE TEMP TABLE drug_record AS
SELECT drug_record, bool_or(deleted) AS deleted, bool_or(confidential) AS confidential
FROM src_drug_record
WHERE drug_record IS NOT NULL AND (deleted OR confidential)
GROUP BY drug_record;
