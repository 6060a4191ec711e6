-- reads:  src_postcode, patient, lsoa
-- writes: place, where the export's own postcodes lie
-- grain:  one postcode of the export
-- why:    the lookup runs inside the site: an area leaves it, a postcode never
--         does. A lookup that gives a postcode twice gives it the first area by name;
--         one that gives it no area leaves it unknown
CREATE TEMP TABLE place AS
SELECT f.postcode, f.lsoa IS NOT NULL AS known, l.lsoa, l.ward, l.imd_decile
FROM (
    SELECT s.postcode, min(s.lsoa) AS lsoa
    FROM src_postcode s
    SEMI JOIN patient p ON p.postcode = s.postcode
    GROUP BY s.postcode
) f
LEFT JOIN lsoa l ON l.lsoa = f.lsoa;
