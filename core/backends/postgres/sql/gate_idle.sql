-- Gates that nobody waits at or has passed, and whose rate is at rest.
-- in:  queue, now_us, limit
-- out: name

SELECT name
FROM jobs.gate
WHERE queue = %(queue)s AND NOT waits AND paid_until_us <= %(now_us)s
  AND NOT EXISTS (SELECT FROM jobs.job WHERE job.queue = gate.queue AND job.gate = gate.name AND has_passed)
LIMIT %(limit)s;
