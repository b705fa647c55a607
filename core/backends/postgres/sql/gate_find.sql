-- A gate for a reader.
-- in:  queue (its name), name
-- out: packed, paid_until_us, how many passed, how many wait; or nothing

SELECT gate.packed, gate.paid_until_us,
       (SELECT count(*) FROM jobs.job WHERE job.queue = gate.queue AND job.gate = gate.name AND has_passed),
       (SELECT count(*) FROM jobs.job WHERE job.queue = gate.queue AND job.state = 2 AND job.held_at = gate.name)
FROM jobs.gate
WHERE gate.queue = (SELECT id FROM jobs.queue WHERE queue.name = %(queue)s) AND gate.name = %(name)s;
