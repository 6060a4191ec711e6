-- reads:  run, src_people, the dataset's first table
-- writes: code, whom this release is about
-- grain:  one person
-- why:    somebody without a usable number can be found in no other dataset, so
--         their rows go only where everybody's are needed, to count against. Each
--         person's project code is made once, not once per row
CREATE TEMP TABLE code AS
SELECT person, project_code(person) AS code
FROM (SELECT DISTINCT p.person FROM src_people p CROSS JOIN run r WHERE p.linkable OR r.everybody);
