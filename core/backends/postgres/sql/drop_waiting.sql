-- Delete jobs of a live state ({state}: a number, in the text) that were enqueued before a time, in its order.
-- in:  queue, before, limit

WITH doomed AS MATERIALIZED (
    SELECT raw
    FROM jobs.job
    WHERE queue = %(queue)s AND state = {state} AND enqueued_ms < %(before)s
    ORDER BY score, raw
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM jobs.job
USING doomed
WHERE job.queue = %(queue)s AND job.raw = doomed.raw;
