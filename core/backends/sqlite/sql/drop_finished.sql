-- Delete jobs of a final state that finished before a time, oldest first.
-- in:  queue, state, time, limit

DELETE FROM job
WHERE id IN (SELECT id FROM job WHERE queue = ? AND state = ? AND score < ? ORDER BY score, raw LIMIT ?);
