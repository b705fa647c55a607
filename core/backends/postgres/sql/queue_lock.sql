-- Take a queue's row, waiting for whoever trims it.
-- in:  queue

SELECT id FROM jobs.queue WHERE id = %(queue)s FOR UPDATE;
