-- reads:  list, patient, person, place, referral, repeated, src_team, src_legal, src_spell
-- writes: doubt, numbered, unplaced, placed, strange, born, contradiction,
--         stopped, withheld and hidden, which the program asks for
-- grain:  one rule (doubt: and relation; contradiction); one number of the export (numbered); one person whose
--         postcode the lookup lacks (unplaced); one person's area (placed); one column
--         (strange); one code's birth date (born);
--         one patient who is left out by choice (stopped)
-- why:    as in primary-care/6-account: two rows of a record of which neither is
--         known to be later, and that do not say the same, would make it a guess
--         which of them holds: whose referral it is, whether a contact took place.
--         A diagnosis says nothing beyond what it is known by
CREATE TEMP VIEW doubt AS
SELECT 'one-row-number' AS rule, count(*) AS n FROM (SELECT 1 FROM patient GROUP BY patient HAVING count(*) > 1)
UNION ALL
SELECT 'births-unread' AS rule, most_lost(count(*) FILTER (birth_lost), count(birth_date)) AS n FROM patient
UNION ALL
SELECT 'one-row-number of referral', count(*) FROM (
    SELECT 1 FROM referral
    WHERE last AND referral IS NOT NULL
    GROUP BY referral HAVING count(DISTINCT row(patient, received, received_bad, discharged, discharged_bad)) > 1)
UNION ALL
SELECT 'one-row-number of team', count(*) FROM (
    SELECT 1 FROM (
        SELECT referral, team, team_type FROM src_team
        WHERE referral IS NOT NULL AND team IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY referral, team ORDER BY submitted DESC NULLS LAST) = 1)
    GROUP BY referral, team HAVING count(DISTINCT row(team_type)) > 1)
UNION ALL
SELECT 'one-row-number of contact', count(*) FROM (
    SELECT 1 FROM repeated
    WHERE last
    GROUP BY contact HAVING count(DISTINCT row(referral, team, date, date_bad, attendance)) > 1)
UNION ALL
SELECT 'one-row-number of legal', count(*) FROM (
    SELECT 1 FROM (
        SELECT * FROM src_legal
        WHERE period IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY period ORDER BY submitted DESC NULLS LAST) = 1)
    GROUP BY period HAVING count(DISTINCT row(patient, started, started_bad, ended, ended_bad, expired, expired_bad, status)) > 1)
UNION ALL
SELECT 'one-row-number of spell', count(*) FROM (
    SELECT 1 FROM (
        SELECT * FROM src_spell
        WHERE spell IS NOT NULL
        QUALIFY rank() OVER (PARTITION BY spell ORDER BY submitted DESC NULLS LAST) = 1)
    GROUP BY spell HAVING count(DISTINCT row(referral, started, started_bad, ended, ended_bad)) > 1);

CREATE TEMP VIEW numbered AS
SELECT problem FROM patient;

CREATE TEMP VIEW unplaced AS
SELECT person FROM person WHERE gate IS NULL AND chosen AND ward = 'unknown' AND postcode IS NOT NULL;

CREATE TEMP VIEW placed AS
SELECT area_word(p.postcode, p.ward, w.several) AS area
FROM person p
LEFT JOIN place w ON w.postcode = p.postcode
WHERE p.gate IS NULL AND p.chosen;

CREATE TEMP VIEW strange AS
SELECT 'patients.gender' AS field, count(*) AS n FROM patient WHERE upper(gender) NOT IN ('0', '1', '2', '9', 'X')
UNION ALL
SELECT 'patients.ethnicity', count(*) FROM patient WHERE strange_ethnicity(ethnicity)
UNION ALL
SELECT 'referrals.team_type', count(*) FROM src_team WHERE NOT regexp_full_match(team_type, '[A-Z][0-9]{2}')
UNION ALL
SELECT 'spells.mha_status', count(*) FROM src_legal
WHERE NOT coalesce(regexp_full_match(status, '[0-9]{2}'), true) OR started_bad OR ended_bad OR expired_bad
UNION ALL
SELECT unnest(['patients.birth_year', 'patients.death_date']), unnest([count(*) FILTER (birth_lost), count(*) FILTER (death_lost)]) FROM patient;

CREATE TEMP VIEW born AS
SELECT person AS code, own_birth AS birth_date FROM person WHERE gate IS NULL AND own_birth IS NOT NULL;

CREATE TEMP VIEW contradiction AS
SELECT unnest(['birth-date', 'death-date', 'sex', 'area']) AS rule,
    unnest([count(*) FILTER (births > 1), count(*) FILTER (deaths > 1), count(*) FILTER (sexes > 1), count(*) FILTER (areas > 1)]) AS n
FROM (
    SELECT
        count(DISTINCT p.birth_date) AS births,
        count(DISTINCT p.death_date) AS deaths,
        count(DISTINCT CASE WHEN p.gender IN ('1', '2') THEN p.gender END) AS sexes,
        count(DISTINCT coalesce(w.lsoa, w.ward)) FILTER (w.ward <> 'unknown') AS areas
    FROM patient p
    JOIN person w ON w.patient = p.patient
    WHERE p.problem = 'ok'
    GROUP BY p.person
);

CREATE TEMP VIEW stopped AS
SELECT person AS code, false AS partly FROM person WHERE chosen(gate);

CREATE TEMP VIEW withheld AS
SELECT code AS concept FROM list WHERE list = 'sensitive';

CREATE TEMP VIEW hidden AS
SELECT list FROM list WHERE false;
