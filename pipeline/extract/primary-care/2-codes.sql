-- reads:  src_clinical_code, src_drug_code, list, unit
-- writes: clinical (every local code with its concept), marked (those on a list
--         that decides something about a person or a row), sensitive (those that
--         the policy leaves out), withheld (what is stopped by its code here, as
--         concepts), hidden, written (the numbers that local codes are), drug;
--         concept and measure, the numbers by which
--         rows carry their concept and their unit
-- grain:  one local code (clinical, sensitive, drug); one local code of a list
--         (marked); one concept; one way to write a unit (measure)
-- why:    rows carry the system's own code numbers; SNOMED CT, Read and dm+d
--         stand in its code tables. A number with two meanings has none, and a
--         concept that is no identifier of SNOMED CT could be anything, an NHS
--         number too: such rows stay out (problem says why).
--         Numbers follow the order of the texts that they stand for, so that
--         sorting by one is sorting by the other

-- Every name by which a list may know a code, whichever column has it. Read codes
-- come with or without their dots, and with a term number after them, here and in
-- lists; an opt-out must be found in each, so both sides have them without. A
-- concept, and a code of the system's own, is a name as it stands.
CREATE TEMP TABLE named AS
SELECT DISTINCT code, unnest([name, five, rtrim(five, '.')]) AS name
FROM (
    SELECT code, name, CASE WHEN regexp_full_match(name, '[0-9]{6,18}') THEN name ELSE rpad(left(split_part(name, '-', 1), 5), 5, '.') END AS five
    FROM (
        SELECT code, unnest([concept, read_code, national_code]) AS name
        FROM src_clinical_code
    )
)
WHERE code IS NOT NULL AND name IS NOT NULL;

CREATE TEMP TABLE marked AS
SELECT DISTINCT n.code, l.list, l.category
FROM named n
JOIN list l ON l.code = n.name
WHERE l.list IN ('type-1-opt-out', 'local-dissent', 'identifiers', 'ethnicity', 'language', 'country-of-birth', 'religion', 'smoking', 'death');

CREATE TEMP TABLE sensitive AS
SELECT DISTINCT n.code
FROM named n
JOIN list l ON l.code = n.name
WHERE l.list = 'sensitive';

-- A list may know a code by its Read name, and this site's code table alone says which
-- concept that is. Whoever counts must be told the concept: it is missing here.
CREATE TEMP TABLE withheld AS
SELECT code AS concept FROM list WHERE list = 'sensitive'
UNION
SELECT concept
FROM src_clinical_code
WHERE concept_problem(concept) = 'ok'
  AND (code IN (SELECT code FROM sensitive) OR code IN (SELECT code FROM marked WHERE list = 'identifiers'));

-- Codes of a characteristic that the policy leaves out: its groups would be wrong.
CREATE TEMP VIEW hidden AS
SELECT DISTINCT m.list
FROM marked m
JOIN sensitive s ON s.code = m.code
WHERE m.list IN ('ethnicity', 'language', 'country-of-birth', 'religion', 'smoking');

CREATE TEMP TABLE meaning AS
SELECT
    code,
    CASE WHEN problem = 'ok' THEN concept END AS concept,
    nullif(problem, 'ok') AS problem
FROM (
    SELECT code, min(concept) AS concept, CASE WHEN min(concept) = max(concept) THEN concept_problem(min(concept)) ELSE 'no-concept' END AS problem
    FROM src_clinical_code
    WHERE code IS NOT NULL
    GROUP BY code
);

CREATE TEMP TABLE remedy AS
SELECT
    code,
    CASE WHEN problem = 'ok' THEN concept END AS concept,
    nullif(problem, 'ok') AS problem,
    sensitive
FROM (
    SELECT code, min(concept) AS concept, CASE WHEN min(concept) = max(concept) THEN concept_problem(min(concept)) ELSE 'no-concept' END AS problem,
        bool_or(concept IN (SELECT code FROM list WHERE list = 'sensitive')) AS sensitive
    FROM src_drug_code
    WHERE code IS NOT NULL
    GROUP BY code
);

-- The number that a local code is, however a spreadsheet or a program may have
-- written it: 298700.0, 0298700, 298,700, '298700 and 2.987E+05 are one.
CREATE TEMP MACRO written_number(code) AS
    coalesce(TRY_CAST(code AS BIGINT), TRY_CAST(TRY_CAST(regexp_replace(code, '[,''"= ]', '', 'g') AS DOUBLE) AS BIGINT));

CREATE TEMP TABLE concept AS
SELECT text, CAST(row_number() OVER (ORDER BY text) AS INTEGER) AS number
FROM (SELECT concept AS text FROM meaning UNION SELECT concept FROM remedy)
WHERE text IS NOT NULL;

CREATE TEMP TABLE clinical AS
SELECT
    m.code,
    CAST(row_number() OVER () AS INTEGER) AS local,
    c.number AS concept,
    m.problem,
    m.code IN (SELECT code FROM marked WHERE list = 'identifiers') AS identifying,
    m.code IN (SELECT code FROM sensitive) AS sensitive,
    m.code IN (SELECT code FROM marked WHERE list NOT IN ('identifiers', 'death')) AS telling,
    m.code IN (SELECT code FROM marked WHERE list = 'death') AS dying
FROM meaning m
LEFT JOIN concept c ON c.text = m.concept;

CREATE TEMP TABLE written AS
SELECT DISTINCT written_number(code) AS code
FROM clinical
WHERE written_number(code) IS NOT NULL;

CREATE TEMP TABLE drug AS
SELECT r.code, c.number AS concept, r.problem, r.sensitive
FROM remedy r
LEFT JOIN concept c ON c.text = r.concept;

-- A unit as the list has it, in its capitals, and as it is written afterwards.
CREATE TEMP TABLE measure AS
SELECT w.cell, min(u.category) AS unit, CAST(dense_rank() OVER (ORDER BY min(u.category)) AS USMALLINT) AS number
FROM (
    SELECT DISTINCT unnest([code, upper(code), category]) AS cell
    FROM unit
) w
JOIN unit u ON u.code = lower(w.cell)
GROUP BY w.cell;
