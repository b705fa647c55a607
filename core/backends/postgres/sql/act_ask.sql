-- Ask running attempts to stop.
-- in:  queue, raw (array), operation

UPDATE jobs.job
SET cancel_asked = true, operation = %(operation)s
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
