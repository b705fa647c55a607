-- Cancel dead jobs, which moves them to the partition of today.
-- in:  queue, raw (array), oldest, now, operation, kept (so many are remembered), reason

UPDATE jobs.finished
SET state = 7, finished_ms = %(now)s, operations = (ARRAY[%(operation)s::text] || operations)[:%(kept)s], reason = %(reason)s
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]) AND finished_ms >= %(oldest)s;
