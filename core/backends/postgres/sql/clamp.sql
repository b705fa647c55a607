-- After a jump of the clock: every lease ends between now and the end of one that begins now.
-- in:  queue, now, until

WITH running AS MATERIALIZED (
    SELECT raw
    FROM jobs.job
    WHERE queue = %(queue)s AND state = 3 AND lease_until_ms NOT BETWEEN %(now)s AND %(until)s
    ORDER BY raw
    FOR UPDATE
)
UPDATE jobs.job
SET lease_until_ms = greatest(%(now)s, least(lease_until_ms, %(until)s))
FROM running
WHERE job.queue = %(queue)s AND job.raw = running.raw;
