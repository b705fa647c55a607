-- Ask running attempts to stop.
-- in:  queue, raw (array), operation, kept (so many are remembered)

UPDATE jobs.job
SET cancel_asked = true, operations = (ARRAY[%(operation)s::text] || operations)[:%(kept)s]
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
