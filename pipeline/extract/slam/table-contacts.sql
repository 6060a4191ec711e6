-- reads:  run, provider, person, referral, team, repeated, src_contact (the last pass)
-- writes: the coded rows of the canonical table contacts, and why a row stays
--         out; a row that stays out carries its reason and nothing else
-- grain:  one contact row of the export
-- why:    only what took place is a contact: attended on time (5) or late, but
--         seen (6). The team is the one that saw the person, as far as the
--         referral names it
WITH contact AS (
    SELECT row_at, referral, team, date, date_bad, attendance, true AS latest
    FROM src_contact c
    ANTI JOIN repeated o ON o.contact = c.contact
    UNION ALL
    SELECT row_at, referral, team, date, date_bad, attendance, latest
    FROM repeated
),
entry AS (
    SELECT
        c.row_at, p.person, p.birth_date, p.death_date, p.vague, c.date, t.team_type,
        CASE
            WHEN NOT v.ours THEN 'other-organisation'
            WHEN NOT c.latest THEN 're-submitted'
            WHEN p.patient IS NULL THEN 'no-patient'
            WHEN p.gate IS NOT NULL THEN 'person-left-out'
            WHEN c.attendance IS NULL OR c.attendance NOT IN ('5', '6', '05', '06') THEN 'not-attended'
            WHEN impossible_day(c.date, c.date_bad, p.birth_date, r.as_at) THEN 'impossible-date'
        END AS reason
    FROM contact c
    CROSS JOIN run r
    CROSS JOIN provider v
    LEFT JOIN referral f ON f.referral = c.referral AND f.latest
    LEFT JOIN person p ON p.patient = f.patient
    LEFT JOIN team t ON t.referral = c.referral AND t.team = c.team
)
SELECT
    row_at,
    CASE WHEN reason IS NULL THEN person END AS person,
    CASE WHEN reason IS NULL THEN kept_day(date, birth_date, death_date, vague) END AS date,
    CASE WHEN reason IS NULL THEN kept_year(date) END AS year,
    CASE WHEN reason IS NULL THEN team_type END AS team_type,
    reason
FROM entry
