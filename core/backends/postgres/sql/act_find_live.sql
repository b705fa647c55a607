-- Live jobs, for an operator's verb; locked in the order of raw, as in settle.sql.
-- in:  queue, raw (array)
-- out: raw, state, operations

SELECT raw, state, operations
FROM jobs.job
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[])
ORDER BY raw
FOR UPDATE;
