-- reads:  src_postcode, patient, lsoa
-- writes: place, where the export's own postcodes lie
-- grain:  one postcode of the export
-- why:    the lookup runs inside the site: an area leaves it, a postcode never does
CREATE TEMP TABLE place AS
SELECT s.postcode, any_value(l.lsoa) AS lsoa, any_value(l.ward) AS ward, any_value(l.imd_decile) AS imd_decile
FROM src_postcode s
SEMI JOIN patient p ON p.postcode = s.postcode
LEFT JOIN lsoa l ON l.lsoa = s.lsoa
GROUP BY s.postcode;
