-- Live jobs that came before a time, for an operator's verb; locked in the order of raw, as in settle.sql.
-- in:  queue, raw (array), before
-- out: raw, state, operations, unique_key, gate, packed, has_passed, held_at

SELECT raw, state, operations, unique_key, gate_packed, has_passed, held_at
FROM jobs.job
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]) AND enqueued_ms < %(before)s
ORDER BY raw
FOR UPDATE;
