-- reads:  src_postcode, patient, lsoa
-- writes: place, where the export's own postcodes lie
-- grain:  one postcode of the export
-- why:    the lookup runs inside the site: an area leaves it, a postcode never
--         does. A postcode to which the lookup gives two areas, or none, has none: a
--         ward that is a guess is a wrong ward
CREATE TEMP TABLE place AS
SELECT f.postcode, f.several, f.lsoa IS NOT NULL AND NOT f.several AS known, l.lsoa, l.ward, l.imd_decile
FROM (
    SELECT s.postcode, min(s.lsoa) AS lsoa, min(s.lsoa) <> max(s.lsoa) AS several
    FROM src_postcode s
    SEMI JOIN patient p ON p.postcode = s.postcode
    GROUP BY s.postcode
) f
LEFT JOIN lsoa l ON l.lsoa = f.lsoa AND NOT f.several;
