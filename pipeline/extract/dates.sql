-- reads:  nothing
-- writes: the rules for dates, as macros that every dataset's SQL shares
-- grain:  one value
-- why:    a date is kept only as finely as it was recorded, and never so finely
--         that it gives away the day a person was born or died

-- 1900-01-01 is what systems write for a date they do not know.
CREATE TEMP MACRO clinical_date(d) AS
    CASE WHEN d <= DATE '1900-01-01' THEN NULL ELSE d END;

-- Y, YM, YMD as recorded (YMDT: the time is dropped); U when there is no date;
-- a precision that nobody knows is taken as the coarsest.
CREATE TEMP MACRO clinical_precision(d, p) AS
    CASE
        WHEN clinical_date(d) IS NULL OR upper(p) = 'U' THEN 'U'
        WHEN upper(p) IN ('YMD', 'YMDT') THEN 'YMD'
        WHEN upper(p) = 'YM' THEN 'YM'
        ELSE 'Y'
    END;

-- A date is possible when it lies between the person's birth and the date of
-- the export, each compared as finely as the date is known.
CREATE TEMP MACRO possible(d, p, birth, as_at) AS
    CASE p
        WHEN 'U' THEN true
        WHEN 'YMD' THEN d <= as_at AND (birth IS NULL OR d >= birth)
        WHEN 'YM' THEN d <= as_at AND (birth IS NULL OR d >= date_trunc('month', birth))
        ELSE year(d) <= year(as_at) AND (birth IS NULL OR year(d) >= year(birth))
    END;

-- Within 28 days of the person's own birth or death. A month counts when any
-- of its days does.
CREATE TEMP MACRO own_days(d, p, birth, death) AS
    coalesce(abs(date_diff('day', birth, d)) <= CASE p WHEN 'YM' THEN 59 ELSE 28 END, false)
    OR coalesce(abs(date_diff('day', death, d)) <= CASE p WHEN 'YM' THEN 59 ELSE 28 END, false);

CREATE TEMP MACRO own_precision(d, p, birth, death) AS
    CASE WHEN p IN ('YMD', 'YM') AND own_days(d, p, birth, death) THEN 'Y' ELSE p END;

CREATE TEMP MACRO own_date(d, p, birth, death) AS
    CASE own_precision(d, p, birth, death)
        WHEN 'YMD' THEN d
        WHEN 'YM' THEN CAST(date_trunc('month', d) AS DATE)
    END;

-- The month of a day as YYYY-MM, or its year alone near birth or death.
CREATE TEMP MACRO own_month(d, birth, death) AS
    CASE
        WHEN clinical_date(d) IS NULL THEN NULL
        WHEN own_days(d, 'YM', birth, death) THEN strftime(d, '%Y')
        ELSE strftime(d, '%Y-%m')
    END;
