-- Note that a queue is worth listing.
-- in:  queue

UPDATE jobs.queue SET is_known = true WHERE id = %(queue)s AND NOT is_known;
