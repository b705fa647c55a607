-- Delete the first jobs of a state in its order (of a final state: the oldest).
-- in:  queue, state, limit

DELETE FROM job
WHERE id IN (SELECT id FROM job WHERE queue = ? AND state = ? ORDER BY score, raw LIMIT ?);
