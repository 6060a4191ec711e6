-- reads:  run, place, src_primary_care_patients
-- writes: person, everybody who is registered on the date
-- grain:  one person
-- why:    people are counted, not registrations. Somebody on two lists at once is
--         counted where the registration is the latest, ties by site; area and
--         ethnicity come from that registration. The columns behind it in the
--         order only make the choice the same every time. Whoever one list knows to
--         have died is dead on every list. An end or a death after
--         the date has not happened yet. An age that no band names is unknown
CREATE TEMP TABLE person AS
SELECT
    p.person,
    p.ward AS area,
    p.ethnicity,
    CAST(band.code AS INTEGER) AS years,
    band.code AS age,
    p.sex,
    CAST(p.imd_decile AS VARCHAR) AS imd,
    record_number(p.person) AS record_number
FROM (SELECT *, min(death_year) OVER (PARTITION BY person) AS died FROM src_primary_care_patients) p
CROSS JOIN run r
LEFT JOIN (SELECT DISTINCT code FROM place WHERE axis = 'age') band ON band.code = CAST(year(r.as_at) - p.birth_year AS VARCHAR)
WHERE (p.registered_to IS NULL OR p.registered_to > strftime(r.as_at, '%Y-%m'))
  AND (p.died IS NULL OR p.died > year(r.as_at))
  AND coalesce(p.registered_from, '') <= strftime(r.as_at, '%Y-%m')
QUALIFY row_number() OVER (
    PARTITION BY p.person
    ORDER BY coalesce(p.registered_from, '') DESC, p.site, p.birth_year, p.sex, p.ethnicity, p.ward, p.imd_decile) = 1;
