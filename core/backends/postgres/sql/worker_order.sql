-- Leave orders for a worker.
-- in:  worker, quiet, stop

UPDATE jobs.worker SET quiet = %(quiet)s, stop = %(stop)s WHERE id = %(worker)s;
