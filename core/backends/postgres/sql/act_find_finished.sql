-- Jobs that finished before a time, for an operator's verb; locked in the order of raw.
-- in:  queue, raw (array), oldest, before
-- out: as act_find_live.sql

SELECT raw, state, operations, unique_key, gate_packed, false, NULL::text
FROM jobs.finished
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]) AND finished_ms >= %(oldest)s AND finished_ms < %(before)s
ORDER BY raw
FOR UPDATE;
