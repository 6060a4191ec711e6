-- reads:  run, src_header
-- writes: provider
-- grain:  the export: one row
-- why:    the header says whose export this is, once for all its tables. Unless
--         every header row names the key's site, no row is known to be the site's
CREATE TEMP TABLE provider AS
SELECT coalesce(bool_and(upper(h.provider) IS NOT DISTINCT FROM r.site), false) AS ours
FROM src_header h
CROSS JOIN run r;
