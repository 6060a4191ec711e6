-- reads:  src_contact (two passes)
-- writes: repeated, the contacts that stand there more than once
-- grain:  one row of such a contact, with a mark on the latest (latest), and on all
--         of which none is known to be later (last)
-- why:    nearly every contact stands there once, and there are many of them:
--         only the others are kept in memory, to find the highest row number
CREATE TEMP TABLE repeated AS
SELECT
    c.row_at, c.contact, c.referral, c.team, c.date, c.date_bad, c.attendance,
    row_number() OVER (
        PARTITION BY c.contact
        ORDER BY c.sequence DESC NULLS LAST, c.referral, c.team, c.date, c.date_bad, c.attendance, c.row_at) = 1 AS latest,
    rank() OVER (PARTITION BY c.contact ORDER BY c.submitted DESC NULLS LAST) = 1 AS last
FROM src_contact c
SEMI JOIN (
    SELECT contact
    FROM src_contact
    WHERE contact IS NOT NULL
    GROUP BY contact
    HAVING count(*) > 1
) t ON t.contact = c.contact;
