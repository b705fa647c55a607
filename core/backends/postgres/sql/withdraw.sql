-- Delete live jobs that still are where they were seen (running ones: with that end of their lease).
-- in:  queue, and arrays of raw, state and score
-- out: state, gate at which it held a slot, gate at which it waited, raw if it had a note (NULL:
--      none), of each

WITH seen AS MATERIALIZED (
    SELECT job.raw
    FROM unnest(%(raw)s::bytea[], %(state)s::smallint[], %(score)s::bigint[]) AS asked (raw, state, score)
    JOIN jobs.job ON job.queue = %(queue)s AND job.raw = asked.raw
    WHERE job.state = asked.state AND CASE WHEN job.state = 3 THEN job.lease_until_ms ELSE job.score END = asked.score
    ORDER BY job.raw
    FOR UPDATE OF job
)
DELETE FROM jobs.job
USING seen
WHERE job.queue = %(queue)s AND job.raw = seen.raw
RETURNING job.state, CASE WHEN job.has_passed THEN job.gate END, job.held_at,
          CASE WHEN job.has_note THEN job.raw END;
