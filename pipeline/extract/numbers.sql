-- reads:  nothing; number_gate, a function of the program
-- writes: the rules for NHS numbers that every dataset's SQL shares, as macros
-- grain:  one number
-- why:    a source may say how far a number was traced. One that was not may be
--         somebody else's, so it makes no code, and to look it up says nothing

-- What is wrong with an NHS number, when its source also says how far it was
-- traced: 01 verified, 02 present and not traced. A number of any other status
-- may be somebody else's. A format may say superseded of one that the person no
-- longer has.
CREATE TEMP MACRO number_problem(problem, status) AS
    CASE
        WHEN problem <> 'ok' THEN problem
        WHEN status IS NULL OR ltrim(status, '0') IN ('1', '2') THEN 'ok'
        WHEN lower(status) = 'superseded' THEN 'superseded'
        ELSE 'unverified'
    END;

-- What the policy says of a number. One that its source calls untraced or
-- superseded may be somebody else's: looked up, it would say nothing, so it
-- counts as none.
CREATE TEMP MACRO traced_gate(number, problem) AS
    CASE
        WHEN problem NOT IN ('unverified', 'superseded') OR number_gate(coalesce(number, '')) = 'test' THEN number_gate(coalesce(number, ''))
        ELSE number_gate('')
    END;
