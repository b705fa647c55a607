-- Cancel live jobs that do not run.
-- in:  queue, raw (array), now, operation, kept (so many are remembered), reason

WITH gone AS (
    DELETE FROM jobs.job
    WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[])
    RETURNING *
)
INSERT INTO jobs.finished (
    queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
    unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses, operations, reason, result, error, lines,
    crashes, has_note
)
SELECT queue, raw, 7, %(now)s, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
       unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses,
       (ARRAY[%(operation)s::text] || operations)[:%(kept)s], %(reason)s, result, error, lines, crashes,
       has_note
FROM gone;
