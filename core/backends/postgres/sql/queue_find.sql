-- A queue.
-- in:  name
-- out: id, is_known, has_gates; or nothing

SELECT id, is_known, has_gates FROM jobs.queue WHERE name = %(name)s;
