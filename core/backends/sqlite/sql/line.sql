-- The first of those who wait at a gate, in run order. An empty name is no gate: the condition of the partial index.
-- in:  queue, gate's name, limit
-- out: id, priority, ready_ms

SELECT id, priority, ready_ms
FROM job INDEXED BY job_waiting  -- not by state: the held jobs may be many
WHERE queue = ? AND held_at = ? AND held_at <> '' AND state = 2
ORDER BY priority DESC, ready_ms, raw
LIMIT ?;
