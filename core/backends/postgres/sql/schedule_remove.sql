-- Delete a schedule.
-- in:  queue, key

DELETE FROM jobs.schedule WHERE queue = %(queue)s AND key = %(key)s;
