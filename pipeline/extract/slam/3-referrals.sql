-- reads:  src_referral, src_team
-- writes: referral, every row with a mark on the latest of each (latest), and on
--         all of which none is known to be later (last); team
-- grain:  one referral row of the export (referral); one team of a referral (team)
-- why:    contacts, diagnoses and spells belong to a referral, and through it to
--         a patient. A record that was submitted again is what the highest row
--         number says; one without an id stands for itself. A team's type is a
--         letter and two digits or nothing
CREATE TEMP TABLE referral AS
SELECT
    row_at, referral, patient, received, received_bad, discharged, discharged_bad,
    referral IS NULL OR row_number() OVER (
        PARTITION BY referral
        ORDER BY sequence DESC NULLS LAST, patient, received, received_bad, discharged, discharged_bad, row_at) = 1 AS latest,
    rank() OVER (PARTITION BY referral ORDER BY submitted DESC NULLS LAST) = 1 AS last
FROM src_referral;

CREATE TEMP TABLE team AS
SELECT
    referral,
    team,
    arg_max_null(CASE WHEN regexp_full_match(team_type, '[A-Z][0-9]{2}') THEN team_type END, (coalesce(sequence, -1), team_type)) AS team_type,
    min(sequence) AS first_sequence
FROM src_team
WHERE referral IS NOT NULL
GROUP BY referral, team;
