-- Delete the counters of minutes before one.
-- in:  queue, before

DELETE FROM jobs.minute WHERE queue = %(queue)s AND minute < %(before)s;
