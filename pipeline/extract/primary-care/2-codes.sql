-- reads:  src_clinical_code, src_drug_code, list
-- writes: clinical (every local code with its concept), marked (those on a list
--         that decides something about a person or a row), drug
-- grain:  one local code (clinical, drug); one local code of a list (marked)
-- why:    rows carry the system's own code numbers; SNOMED CT, Read and dm+d
--         stand in its code tables
CREATE TEMP TABLE clinical AS
SELECT
    c.code,
    any_value(c.concept) AS concept,
    bool_or(i.code IS NOT NULL) AS identifying
FROM src_clinical_code c
LEFT JOIN list i ON i.list = 'identifiers' AND i.code IN (c.concept, c.read_code)
WHERE c.code IS NOT NULL
GROUP BY c.code;

CREATE TEMP TABLE marked AS
SELECT DISTINCT c.code, l.list, l.category
FROM src_clinical_code c
JOIN list l ON l.code IN (c.concept, c.read_code)
WHERE l.list IN ('type-1-opt-out', 'local-dissent', 'ethnicity', 'language', 'country-of-birth', 'religion');

CREATE TEMP TABLE drug AS
SELECT code, any_value(concept) AS concept
FROM src_drug_code
WHERE code IS NOT NULL
GROUP BY code;
