-- reads:  nothing
-- writes: the rules for dates, as macros that every dataset's SQL shares
-- grain:  one value
-- why:    a date is kept only as finely as it was recorded, and never so finely
--         that it gives away the day a person was born or died

-- A cell that holds something and makes no date, or one that has not come yet. One
-- that stands for not knowing is none of these.
CREATE TEMP MACRO lost_day(d, bad, as_at) AS
    coalesce(bad OR d > as_at, false);

-- A cell that holds something and makes no value.
CREATE TEMP MACRO lost_cell(value, cell) AS
    value IS NULL AND coalesce(trim(cell) <> '', false);

-- How many cells were lost, when it is most of them, beside those that were read. A
-- few of a few say nothing of how the source writes its dates.
CREATE TEMP MACRO most_lost(lost, was_read) AS
    CASE WHEN lost > was_read AND lost > 10 THEN lost ELSE 0 END;

-- 1900-01-01 is what systems write for a date they do not know.
CREATE TEMP MACRO clinical_date(d) AS
    CASE WHEN d <= DATE '1900-01-01' THEN NULL ELSE d END;

-- Y, YM, YMD as recorded (YMDT: the time is dropped); U when there is no date;
-- a precision that nobody knows is taken as the coarsest.
CREATE TEMP MACRO clinical_precision(d, p) AS
    CASE
        WHEN p = 'YMD' AND d > DATE '1900-01-01' THEN 'YMD' -- as nearly every date
        WHEN clinical_date(d) IS NULL OR upper(p) = 'U' THEN 'U'
        WHEN upper(p) IN ('YMD', 'YMDT') THEN 'YMD'
        WHEN upper(p) = 'YM' THEN 'YM'
        ELSE 'Y'
    END;

-- Is a precision none that anybody knows?
CREATE TEMP MACRO strange_precision(p) AS
    coalesce(p <> 'YMD' AND upper(trim(p)) NOT IN ('', 'U', 'Y', 'YM', 'YMD', 'YMDT'), false);

-- Precisions in the order of their texts, by which rows are sorted.
CREATE TEMP MACRO precision_number(p) AS
    CAST(CASE p WHEN 'YMD' THEN 3 WHEN 'YM' THEN 2 WHEN 'Y' THEN 1 WHEN 'U' THEN 0 END AS UTINYINT);

CREATE TEMP MACRO precision_text(n) AS
    CASE n WHEN 3 THEN 'YMD' WHEN 2 THEN 'YM' WHEN 1 THEN 'Y' WHEN 0 THEN 'U' END;

-- The first and the last day that a date of this precision can mean.
CREATE TEMP MACRO earliest(d, p) AS
    CASE p
        WHEN 'YMD' THEN d
        WHEN 'YM' THEN CAST(date_trunc('month', d) AS DATE)
        WHEN 'Y' THEN CAST(date_trunc('year', d) AS DATE)
    END;

CREATE TEMP MACRO latest(d, p) AS
    CASE p
        WHEN 'YMD' THEN d
        WHEN 'YM' THEN last_day(d)
        WHEN 'Y' THEN make_date(year(d), 12, 31)
    END;

-- A date is possible when it lies between the person's birth and the date of
-- the export, each compared as finely as the date is known.
CREATE TEMP MACRO possible(d, p, birth, as_at) AS
    CASE
        WHEN p = 'U' THEN true
        ELSE earliest(d, p) <= as_at AND (birth IS NULL OR latest(d, p) >= birth)
    END;

-- Within 28 days of the person's own birth or death. A month counts when any of
-- its days does. Where a birth or a death is not known well enough to tell
-- (vague), every date counts.
CREATE TEMP MACRO near_day(d, p, own) AS
    coalesce(CASE p
        WHEN 'YM' THEN date_diff('day', own, CAST(date_trunc('month', d) AS DATE)) <= 28 AND date_diff('day', last_day(d), own) <= 28
        ELSE abs(date_diff('day', own, d)) <= 28
    END, false);

CREATE TEMP MACRO own_days(d, p, birth, death, vague) AS
    vague OR near_day(d, p, birth) OR near_day(d, p, death);

CREATE TEMP MACRO own_precision(d, p, birth, death, vague) AS
    CASE WHEN p IN ('YMD', 'YM') AND own_days(d, p, birth, death, vague) THEN 'Y' ELSE p END;

-- The date itself, as far as own_precision lets it stand.
CREATE TEMP MACRO own_date(d, p) AS
    CASE p WHEN 'YMD' THEN d WHEN 'YM' THEN CAST(date_trunc('month', d) AS DATE) END;

-- The month of a day as YYYY-MM, or its year alone near birth or death.
CREATE TEMP MACRO own_month(d, birth, death, vague) AS
    CASE
        WHEN clinical_date(d) IS NULL THEN NULL
        WHEN own_days(d, 'YM', birth, death, vague) THEN strftime(d, '%Y')
        ELSE strftime(d, '%Y-%m')
    END;

-- The digits of a number, without sign, point, power of ten and the zeros at
-- both ends: 0.0120 and 1200 are 12.
CREATE TEMP MACRO digits_of(v) AS
    trim(regexp_replace(split_part(CAST(v AS VARCHAR), 'e', 1), '[^0-9]', '', 'g'), '0');

-- Do a number's digits, or those before its point, spell a day? 1980-05-06 as
-- 19800506, 6051980, 5061980, 800506, 60580 and 50680, with a point anywhere, or
-- 29347, the day's number in a spreadsheet. Below five digits everything would be one.
CREATE TEMP MACRO spells_day(v, own) AS
    coalesce(
        (length(digits_of(v)) >= 5 OR abs(v) >= 10000)
        AND list_has_any([digits_of(v), digits_of(trunc(v))], [
            trim(strftime(own, '%Y%m%d'), '0'), trim(strftime(own, '%d%m%Y'), '0'), trim(strftime(own, '%m%d%Y'), '0'),
            trim(strftime(own, '%y%m%d'), '0'), trim(strftime(own, '%d%m%y'), '0'), trim(strftime(own, '%m%d%y'), '0')])
        OR trunc(abs(v)) = own - DATE '1899-12-30', false);

-- At most four digits, as nearly every value has: too few to hide anything.
CREATE TEMP MACRO short_value(v) AS
    v IS NULL OR v BETWEEN -1000 AND 1000 AND v * 10 = trunc(v * 10) OR v BETWEEN -100 AND 100 AND v * 100 = trunc(v * 100);

-- No measurement in a unit that a practice uses is as large, as far below zero or
-- as exact; and a number that is could be an identifier, with a point or without.
-- The digits are those of the number, so 36.60000000 is as good as 36.6.
CREATE TEMP MACRO impossible_value(v, birth, death) AS
    v >= 1e6 OR v < -1000 OR length(digits_of(v)) > 8 OR spells_day(v, birth) OR spells_day(v, death);

-- Where a source records whole days: is a day impossible, and what is kept of
-- one that is not.
CREATE TEMP MACRO impossible_day(d, bad, birth, as_at) AS
    bad OR NOT possible(d, clinical_precision(d, 'YMD'), birth, as_at);

CREATE TEMP MACRO kept_day(d, birth, death, vague) AS
    own_date(d, own_precision(d, clinical_precision(d, 'YMD'), birth, death, vague));

CREATE TEMP MACRO kept_year(d) AS
    year(clinical_date(d));
