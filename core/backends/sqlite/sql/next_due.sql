-- When the next job of a state is due.
-- in:  queue, state
-- out: score, or nothing

SELECT score FROM job WHERE queue = ? AND state = ? ORDER BY score, raw LIMIT 1;
