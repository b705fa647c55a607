-- The running jobs of a worker that it is asked to stop, in the order of their leases.
-- in:  queue, worker
-- out: raw

SELECT raw FROM job WHERE queue = ? AND worker = ? AND cancel_asked = 1 ORDER BY score, raw;
