-- Extend leases; a HOT update, since no index knows the lease's end. Rows are locked in the order of raw, as in
-- settle.sql: a keeper that renews and a worker that settles the same claims would else wait for each other.
-- in:  queue, until, and arrays of raw and token
-- out: raw, token of those that still are their holder's

WITH held AS MATERIALIZED (
    SELECT job.raw
    FROM unnest(%(raw)s::bytea[], %(token)s::bigint[]) AS claimed (raw, token)
    JOIN jobs.job ON job.queue = %(queue)s AND job.raw = claimed.raw
    WHERE job.token = claimed.token AND job.state = 3
    ORDER BY job.raw
    FOR UPDATE OF job
)
UPDATE jobs.job
SET lease_until_ms = %(until)s
FROM held
WHERE job.queue = %(queue)s AND job.raw = held.raw
RETURNING job.raw, job.token;
