-- Take the turn to trim a queue: two who trim at once would both see the same surplus and delete it twice over.
-- in:  queue
-- out: one row, or nothing when it is another's turn

SELECT id FROM jobs.queue WHERE id = %(queue)s FOR UPDATE SKIP LOCKED;
