-- Jobs of a live state that were enqueued before a time, in the state's order, with what they hold.
-- in:  queue, state, time, limit
-- out: id, raw, unique_key, gate, has_passed, held_at

SELECT id, raw, unique_key, gate, has_passed, held_at
FROM job CROSS JOIN body ON body.job = job.id
WHERE queue = ? AND state = ? AND enqueued_ms < ?
ORDER BY score, raw
LIMIT ?;
