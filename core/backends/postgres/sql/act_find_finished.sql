-- Finished jobs, for an operator's verb; locked in the order of raw.
-- in:  queue, raw (array), oldest
-- out: raw, state, operations

SELECT raw, state, operations
FROM jobs.finished
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]) AND finished_ms >= %(oldest)s
ORDER BY raw
FOR UPDATE;
