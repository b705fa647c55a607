-- A job, for an operator's verb.
-- in:  queue, raw
-- out: id, raw, state, score, priority, enqueued_ms, ready_ms, unique_key, unique_for, gate, has_passed, held_at,
--      operation; or nothing

SELECT id, raw, state, score, priority, enqueued_ms, ready_ms, unique_key, unique_for, gate, has_passed, held_at,
       operation
FROM job CROSS JOIN body ON body.job = job.id
WHERE queue = ? AND raw = ?;
