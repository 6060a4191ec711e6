-- reads:  run, src_organisation, src_agreement
-- writes: practice, the organisations of the export that are this site, numbered
-- grain:  one organisation of the site
-- why:    an export may hold many organisations; only the key's site is taken,
--         and only while its sharing agreement is active. The number is short to
--         join by: a patient's GUID is unique within an organisation only
CREATE TEMP TABLE practice AS
SELECT
    o.organisation,
    row_number() OVER (ORDER BY o.organisation) AS practice,
    coalesce(bool_and(a.activated AND NOT a.disabled AND NOT a.deleted), false) AS sharing
FROM src_organisation o
LEFT JOIN src_agreement a ON a.organisation = o.organisation
WHERE upper(o.ods) = (SELECT site FROM run)
GROUP BY o.organisation;
