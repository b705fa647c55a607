-- Delete jobs of a live state ({state}: a number, in the text) that were enqueued before a time, in its order.
-- in:  queue, before, limit
-- out: gate at which it held a slot, gate at which it waited, raw if it had a note (NULL: none), of each

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
WHERE job.queue = %(queue)s AND job.raw = doomed.raw
RETURNING CASE WHEN job.has_passed THEN job.gate END, job.held_at, CASE WHEN job.has_note THEN job.raw END;
