-- reads:  src_booking, src_delivery
-- writes: booking, every row with a mark on the latest of each (latest), and on
--         all of which none is known to be later (last); delivery
-- grain:  one booking row of the export (booking); one delivery (delivery)
-- why:    a baby belongs to a delivery, that to a pregnancy, and that to a mother:
--         never through a number. A record that was submitted again is what the
--         highest record number says
CREATE TEMP TABLE booking AS
SELECT
    * EXCLUDE (sequence, submitted),
    pregnancy IS NULL OR row_number() OVER (
        PARTITION BY pregnancy
        ORDER BY sequence DESC NULLS LAST, patient, booked, booked_bad, due, due_bad, live_births, stillbirths, smoking, bmi, row_at) = 1 AS latest,
    rank() OVER (PARTITION BY pregnancy ORDER BY submitted DESC NULLS LAST) = 1 AS last
FROM src_booking;

CREATE TEMP TABLE delivery AS
SELECT delivery, pregnancy
FROM src_delivery
WHERE delivery IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY delivery ORDER BY sequence DESC NULLS LAST, pregnancy) = 1;
