-- reads:  membership, the codes in the columns that say who is in a dataset
-- writes: member
-- grain:  one person
-- why:    each dataset is one bit, so that "found in both" asks for two bits, and
--         nobody is counted twice however many rows they have
CREATE TEMP TABLE member AS
SELECT person, bit_or(dataset) AS datasets
FROM membership
WHERE person IS NOT NULL
GROUP BY person;
