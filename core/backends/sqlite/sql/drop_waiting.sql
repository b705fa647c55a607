-- Delete jobs of a live state that were enqueued before a time, in the state's order.
-- in:  queue, state, time, limit

DELETE FROM job
WHERE id IN (SELECT id FROM job WHERE queue = ? AND state = ? AND enqueued_ms < ? ORDER BY score, raw LIMIT ?);
