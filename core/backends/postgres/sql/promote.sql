-- Make up to so many due jobs pending, in line since they were due.
-- in:  queue, now, limit
-- out: the state each came from

WITH due AS MATERIALIZED (
    SELECT *
    FROM (
        SELECT *
        FROM (SELECT raw, score, state FROM jobs.job WHERE queue = %(queue)s AND state = 1 AND score <= %(now)s
              ORDER BY score, raw LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS scheduled
        UNION ALL
        SELECT *
        FROM (SELECT raw, score, state FROM jobs.job WHERE queue = %(queue)s AND state = 4 AND score <= %(now)s
              ORDER BY score, raw LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS failed
    ) AS both_states
    ORDER BY score, raw
    LIMIT %(limit)s
)
UPDATE jobs.job
SET state = 0, score = (100 - job.priority) * 17592186044416 + due.score, ready_ms = due.score
FROM due
WHERE job.queue = %(queue)s AND job.raw = due.raw
RETURNING due.state;
