-- Take claims back that were not started: each to its old place (score is untouched by a claim), the attempt and the
-- slot of its gate given back; one that was asked to stop meanwhile is cancelled. Locked in the order of raw, as in
-- settle.sql.
-- in:  queue, now, and arrays of raw and token
-- out: state each went to, gate that it had passed (NULL: none)

WITH held AS MATERIALIZED (
    SELECT job.*
    FROM unnest(%(raw)s::bytea[], %(token)s::bigint[]) AS claimed (raw, token)
    JOIN jobs.job ON job.queue = %(queue)s AND job.raw = claimed.raw
    WHERE job.token = claimed.token AND job.state = 3
    ORDER BY job.raw
    FOR UPDATE OF job
),
kept AS (
    UPDATE jobs.job
    SET state = 0, attempts = job.attempts - 1, has_passed = false
    FROM held
    WHERE job.queue = held.queue AND job.raw = held.raw AND NOT held.cancel_asked
),
gone AS (
    DELETE FROM jobs.job
    USING held
    WHERE job.queue = held.queue AND job.raw = held.raw AND held.cancel_asked
),
moved AS (
    INSERT INTO jobs.finished (
        queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
        unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses, operations, reason, result, error,
        lines, crashes, has_note
    )
    SELECT queue, raw, 7, %(now)s, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
           unique_kind, unique_until_ms, gate, gate_packed, attempts - 1, forgiven, losses, operations,
           'cancelled while running', result, error, lines, crashes, has_note
    FROM held
    WHERE cancel_asked
)
SELECT CASE WHEN cancel_asked THEN 7 ELSE 0 END, CASE WHEN has_passed THEN gate END FROM held;
