-- The place of a pending job.
-- in:  queue name, raw
-- out: queue, score, raw; or nothing

SELECT queue, score, raw
FROM job INDEXED BY job_ref  -- not by state: the pending jobs may be many
WHERE queue = (SELECT id FROM queue WHERE name = ?) AND raw = ? AND state = 0;
