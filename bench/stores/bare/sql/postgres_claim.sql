-- Hand the head of the line to a worker.
-- in:  queue, want, worker, until (end of the lease)
-- out: raw, body

WITH head AS MATERIALIZED (
    SELECT raw
    FROM bare.job
    WHERE queue = %(queue)s AND NOT is_held
    ORDER BY score, raw
    LIMIT %(want)s
    FOR UPDATE SKIP LOCKED
)
UPDATE bare.job
SET is_held = true, worker = %(worker)s, lease_until_ms = %(until)s
FROM head
WHERE job.queue = %(queue)s AND job.raw = head.raw
RETURNING job.raw, job.body;
