-- Note that gates have to do with a queue.
-- in:  queue

UPDATE jobs.queue SET has_gates = true WHERE id = %(queue)s AND NOT has_gates;
