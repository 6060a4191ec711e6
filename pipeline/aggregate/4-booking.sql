-- reads:  run, person, src_maternity_pregnancies, booking
-- writes: member, who booked a pregnancy lately enough to be in a denominator
-- grain:  one denominator of a person
-- why:    bookings have months, so the months count back from that of the date, which
--         is the first of them. A year alone counts as its July, if it is not after
--         the date's. Whoever booked counts, whatever sex the practice recorded
INSERT INTO member
SELECT DISTINCT p.person, b.feature
FROM src_maternity_pregnancies m
CROSS JOIN run r
CROSS JOIN booking b
JOIN person p ON p.person = m.person AND (b.lowest_age = 0 OR p.years >= b.lowest_age)
WHERE m.booked <= strftime(r.as_at, '%Y-%m')
  AND CASE WHEN length(m.booked) = 4 THEN m.booked || '-07' ELSE m.booked END > strftime(r.as_at - to_months(b.months), '%Y-%m');
