-- reads:  first_entry, first_patient: the first of several exports
-- writes: nothing; 1 when the first export is not a full one, else 0
-- grain:  the export
-- why:    no name says whether an export is full. In a day's changes most entries
--         are of patients whose own row did not change, and so is not there; and
--         whoever began with one would miss everybody else, and their opt-outs
SELECT CAST(count(*) FILTER (WHERE p.patient IS NULL) * 2 > count(*) AS BIGINT) AS n
FROM first_entry e
LEFT JOIN (SELECT DISTINCT organisation, patient FROM first_patient) p
    ON p.organisation = e.organisation AND p.patient = e.patient
