-- How many come before a pending job in run order.
-- in:  name of the queue, raw, limit (so many are counted)
-- out: a number; or nothing when it is not pending

SELECT (SELECT count(*)
        FROM (SELECT
              FROM jobs.job
              WHERE job.queue = own.queue AND job.state = 0 AND (job.score, job.raw) < (own.score, own.raw)
              ORDER BY job.score, job.raw
              LIMIT %(limit)s) AS before)
FROM jobs.job AS own
WHERE own.queue = (SELECT id FROM jobs.queue WHERE queue.name = %(name)s) AND own.raw = %(raw)s AND own.state = 0;
