-- Strike a worker from the register.
-- in:  worker

DELETE FROM jobs.worker WHERE id = %(worker)s;
