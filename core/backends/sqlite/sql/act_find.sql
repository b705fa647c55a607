-- A job, for an operator's verb.
-- in:  queue, raw
-- out: id, state, score, priority, ready_ms, attempts, forgiven, unique_key, operation; or nothing

SELECT id, state, score, priority, ready_ms, attempts, forgiven, unique_key, operation
FROM job
WHERE queue = ? AND raw = ?;
