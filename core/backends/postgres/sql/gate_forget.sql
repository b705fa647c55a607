-- Forget gates that are idle; asked once their locks are held.
-- in:  queue, name (array), now_us

DELETE FROM jobs.gate
WHERE queue = %(queue)s AND name = ANY (%(name)s::text[]) AND NOT waits AND paid_until_us <= %(now_us)s
  AND NOT EXISTS (SELECT FROM jobs.job WHERE job.queue = gate.queue AND job.gate = gate.name AND has_passed);
