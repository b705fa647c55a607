-- A queue.
-- in:  name
-- out: id, is_known; or nothing

SELECT id, is_known FROM jobs.queue WHERE name = %(name)s;
