-- reads:  run, provider, person, referral, team
-- writes: the coded rows of the canonical table referrals, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one referral row of the export
-- why:    a referral to several teams is one referral, to the team that was
--         submitted with it first. A discharge before the request is as
--         impossible as one before birth
WITH first_team AS (
    SELECT referral, team_type
    FROM team
    QUALIFY row_number() OVER (PARTITION BY referral ORDER BY first_sequence NULLS LAST, team_type, team) = 1
),
entry AS (
    SELECT
        f.row_at, p.person, p.birth_date, p.death_date, p.vague, f.received, f.discharged, t.team_type,
        CASE
            WHEN NOT v.ours THEN 'other-organisation'
            WHEN NOT f.latest THEN 're-submitted'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN p.gate IS NOT NULL THEN 'person-left-out'
            WHEN impossible_day(f.received, f.received_bad, p.birth_date, r.as_at) THEN 'impossible-date'
            WHEN impossible_day(f.discharged, f.discharged_bad, p.birth_date, r.as_at) THEN 'impossible-date'
            WHEN clinical_date(f.discharged) < clinical_date(f.received) THEN 'impossible-date'
        END AS reason
    FROM referral f
    CROSS JOIN run r
    CROSS JOIN provider v
    LEFT JOIN person p ON p.patient = f.patient
    LEFT JOIN first_team t ON t.referral = f.referral
)
SELECT
    row_at,
    CASE WHEN reason IS NULL THEN person END AS person,
    CASE WHEN reason IS NULL THEN kept_day(received, birth_date, death_date, vague) END AS received,
    CASE WHEN reason IS NULL THEN kept_year(received) END AS received_year,
    CASE WHEN reason IS NULL THEN team_type END AS team_type,
    CASE WHEN reason IS NULL THEN kept_day(discharged, birth_date, death_date, vague) END AS discharged,
    CASE WHEN reason IS NULL THEN kept_year(discharged) END AS discharged_year,
    reason
FROM entry
