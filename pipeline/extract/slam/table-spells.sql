-- reads:  run, provider, person, referral, src_legal, src_spell
-- writes: the coded rows of the canonical table spells, and why a row stays out;
--         a row that stays out carries its reason and nothing else
-- grain:  one inpatient spell row of the export
-- why:    the legal status is the one in force on the day of admission: of the
--         patient's periods that cover the day, the one that began last. A period
--         ends on the day it was ended, or else on the day it expired
WITH spell AS (
    SELECT
        row_at, referral, started, started_bad, ended, ended_bad,
        spell IS NULL OR row_number() OVER (
            PARTITION BY spell
            ORDER BY sequence DESC NULLS LAST, referral, started, started_bad, ended, ended_bad, row_at) = 1 AS latest
    FROM src_spell
),
legal AS (
    SELECT patient, started, coalesce(ended, expired) AS ended, status, sequence
    FROM src_legal
    QUALIFY period IS NULL OR row_number() OVER (
        PARTITION BY period
        ORDER BY sequence DESC NULLS LAST, patient, started, ended, expired, status) = 1
),
owned AS (
    SELECT s.*, f.patient
    FROM spell s
    LEFT JOIN referral f ON f.referral = s.referral AND f.latest
),
detained AS (
    SELECT s.patient, s.started, arg_max_null(l.status, (l.started, coalesce(l.sequence, -1), l.status)) AS status
    FROM (SELECT DISTINCT patient, started FROM owned) s
    JOIN legal l ON l.patient = s.patient
    WHERE l.started <= s.started AND (l.ended IS NULL OR l.ended >= s.started)
    GROUP BY s.patient, s.started
),
entry AS (
    SELECT
        s.row_at, p.person, p.birth_date, p.death_date, p.vague, s.started, s.ended,
        CASE WHEN regexp_full_match(d.status, '[0-9]{2}') THEN d.status END AS mha_status,
        CASE
            WHEN NOT v.ours THEN 'other-organisation'
            WHEN NOT s.latest THEN 're-submitted'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN p.gate IS NOT NULL THEN 'person-left-out'
            WHEN impossible_day(s.started, s.started_bad, p.birth_date, r.as_at) THEN 'impossible-date'
            WHEN impossible_day(s.ended, s.ended_bad, p.birth_date, r.as_at) THEN 'impossible-date'
            WHEN clinical_date(s.ended) < clinical_date(s.started) THEN 'impossible-date'
        END AS reason
    FROM owned s
    CROSS JOIN run r
    CROSS JOIN provider v
    LEFT JOIN person p ON p.patient = s.patient
    LEFT JOIN detained d ON d.patient = s.patient AND d.started = s.started
)
SELECT
    row_at,
    CASE WHEN reason IS NULL THEN person END AS person,
    CASE WHEN reason IS NULL THEN kept_day(started, birth_date, death_date, vague) END AS "start",
    CASE WHEN reason IS NULL THEN kept_year(started) END AS start_year,
    CASE WHEN reason IS NULL THEN kept_day(ended, birth_date, death_date, vague) END AS "end",
    CASE WHEN reason IS NULL THEN kept_year(ended) END AS end_year,
    CASE WHEN reason IS NULL THEN mha_status END AS mha_status,
    reason
FROM entry
