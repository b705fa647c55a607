-- Hand the head of the line to a worker, with tokens that grow along it; nothing of it when one of them has to pass a
-- gate first. MATERIALIZED: else the planner may run the LIMIT again and claim more.
-- in:  queue, want, worker, now, lease_ms
-- out: score, then the columns of a Claim but for its checkpoint, and whether it has a note; in no order, so the caller
--      sorts by (score, raw)

WITH head AS MATERIALIZED (
    SELECT raw, score, gate IS NOT NULL AND NOT has_passed AS has_to_pass
    FROM jobs.job
    WHERE queue = %(queue)s AND state = 0
    ORDER BY score, raw
    LIMIT %(want)s
    FOR UPDATE SKIP LOCKED
),
comers AS MATERIALIZED (SELECT FROM head WHERE has_to_pass),
numbered AS MATERIALIZED (
    SELECT raw, nextval('jobs.token') AS token
    FROM (SELECT raw FROM head WHERE NOT EXISTS (SELECT FROM comers) ORDER BY score, raw) AS line
)
UPDATE jobs.job
SET state = 3, token = numbered.token, worker = %(worker)s, claimed_ms = %(now)s,
    lease_until_ms = %(now)s + %(lease_ms)s, attempts = attempts + 1, has_key = has_key AND unique_kind <> 1
FROM numbered
WHERE job.queue = %(queue)s AND job.raw = numbered.raw
RETURNING job.score, job.raw, job.token, job.task, job.arguments, job.options, job.priority, job.max_attempts,
          job.attempts, job.forgiven, job.losses, job.enqueued_ms, job.ready_ms, job.claimed_ms,
          job.crashes, job.has_note;
