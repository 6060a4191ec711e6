-- reads:  looked_number (person, code: what the number is of, or empty; number), asked (code)
-- writes: five quantiles of the numbers of each code that is asked for
-- grain:  one code
-- why:    no lowest and no highest: either is one person's. These five are too,
--         until they are rounded to what many share
SELECT code, q[1], q[2], q[3], q[4], q[5]
FROM (
    SELECT code, quantile_disc(number, [0.05, 0.25, 0.5, 0.75, 0.95]) AS q
    FROM looked_number
    WHERE code IN (SELECT code FROM asked)
    GROUP BY code
);
