-- The head of the line.
-- in:  queue, limit
-- out: id, raw, body

SELECT id, raw, body FROM job WHERE queue = ? AND state = 0 ORDER BY score, raw LIMIT ?;
