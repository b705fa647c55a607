-- Settle a batch: those whose (raw, token) still is their claim go where their attempt sent them; final ones move to
-- `finished` in the same statement. A row that somebody else is changing is waited for, then compared again; rows are
-- locked in the order of raw, as in renew.sql, so that the two cannot wait for each other.
-- in:  queue, now, and one array a column of Outcome (charge: 0 counted, 1 returned, 2 lost, 3 crashed, 4
--      cleared); each raw once. held_at may be empty: none of them is held at a gate
-- out: raw, state it went to, its own gate, packed (NULL: none), whether it held a slot there, the gate at which it
--      waits now (NULL: none), whether it has a note, of those accepted; the others are refused

WITH asked AS (
    SELECT *
    FROM unnest(
        %(raw)s::bytea[], %(token)s::bigint[], %(state)s::smallint[], %(charge)s::smallint[], %(delay_ms)s::bigint[],
        %(result)s::bytea[], %(error)s::bytea[], %(reason)s::text[], %(line)s::bytea[], %(if_expired)s::boolean[],
        %(held_at)s::text[]
    ) AS sent (raw, token, state, charge, delay_ms, result, error, reason, line, if_expired, held_at)
),
held AS MATERIALIZED (
    SELECT job.queue, job.raw, job.task, job.arguments, job.options, job.priority, job.max_attempts, job.enqueued_ms,
           job.unique_key, job.unique_kind, job.unique_until_ms, job.gate, job.gate_packed, job.has_passed,
           job.operations, job.has_note, job.score AS run_score,
           job.attempts - (asked.charge = 1)::int AS attempts,
           job.forgiven + (asked.charge IN (2, 3))::int AS forgiven,
           CASE asked.charge WHEN 4 THEN 0 ELSE job.losses + (asked.charge IN (2, 3))::int END AS losses,
           job.crashes + (asked.charge = 3)::int AS crashes,
           CASE WHEN job.cancel_asked AND asked.state < 5 THEN 7 ELSE asked.state END AS target,
           CASE WHEN job.cancel_asked AND asked.state < 5 THEN 'cancelled while running' ELSE asked.reason
           END AS reason,
           CASE asked.state
               WHEN 0 THEN (100 - job.priority) * 17592186044416 + %(now)s
               WHEN 2 THEN %(now)s
               ELSE %(now)s + asked.delay_ms
           END AS score,
           CASE WHEN asked.state = 0 THEN %(now)s ELSE job.ready_ms END AS ready_ms,
           CASE WHEN asked.state = 2 AND NOT job.cancel_asked THEN nullif(asked.held_at, '') END AS held_at,
           coalesce(asked.result, job.result) AS result,
           coalesce(asked.error, job.error) AS error,
           CASE WHEN asked.line = ''::bytea THEN job.lines
                ELSE (job.lines || asked.line)[greatest(1, cardinality(job.lines) - 8):] END AS lines
    FROM asked
    JOIN jobs.job ON job.queue = %(queue)s AND job.raw = asked.raw
    WHERE job.token = asked.token AND job.state = 3 AND NOT (asked.if_expired AND job.lease_until_ms > %(now)s)
    ORDER BY job.raw
    FOR UPDATE OF job
),
kept AS (
    UPDATE jobs.job
    SET state = held.target, score = held.score, ready_ms = held.ready_ms, attempts = held.attempts,
        forgiven = held.forgiven, losses = held.losses, crashes = held.crashes, cancel_asked = false,
        reason = held.reason, result = held.result, error = held.error, lines = held.lines, has_passed = false,
        held_at = held.held_at,
        run_score = CASE WHEN held.held_at IS NOT NULL THEN held.run_score END
    FROM held
    WHERE job.queue = held.queue AND job.raw = held.raw AND held.target < 5
),
gone AS (
    DELETE FROM jobs.job
    USING held
    WHERE job.queue = held.queue AND job.raw = held.raw AND held.target >= 5
),
moved AS (
    INSERT INTO jobs.finished (
        queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
        unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses, operations, reason, result, error,
        lines, crashes, has_note
    )
    SELECT queue, raw, target, %(now)s, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
           unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses, operations, reason, result, error,
           lines, crashes, has_note
    FROM held
    WHERE target >= 5
)
SELECT raw, target, gate_packed, has_passed, held_at, has_note FROM held;
