-- Hand jobs that this transaction has locked to a worker, with tokens that grow as they are named; those that have a
-- gate have passed it.
-- in:  queue, raw (array, in run order), worker, now, lease_ms
-- out: as claim.sql

WITH numbered AS MATERIALIZED (
    SELECT raw, nextval('jobs.token') AS token
    FROM (SELECT raw FROM unnest(%(raw)s::bytea[]) WITH ORDINALITY AS named (raw, place) ORDER BY place) AS line
)
UPDATE jobs.job
SET state = 3, token = numbered.token, worker = %(worker)s, claimed_ms = %(now)s,
    lease_until_ms = %(now)s + %(lease_ms)s, attempts = attempts + 1, has_key = has_key AND unique_kind <> 1,
    has_passed = gate IS NOT NULL
FROM numbered
WHERE job.queue = %(queue)s AND job.raw = numbered.raw
RETURNING job.score, job.raw, job.token, job.task, job.arguments, job.options, job.priority, job.max_attempts,
          job.attempts, job.forgiven, job.losses, job.enqueued_ms, job.ready_ms, job.claimed_ms,
          job.crashes, job.has_note;
