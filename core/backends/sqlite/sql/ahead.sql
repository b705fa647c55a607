-- How many pending jobs come before a place in run order, counted up to a limit.
-- in:  queue, score, raw, limit
-- out: the number

SELECT count(*)
FROM (SELECT 1 FROM job WHERE queue = ? AND state = 0 AND (score, raw) < (?, ?) LIMIT ?);
