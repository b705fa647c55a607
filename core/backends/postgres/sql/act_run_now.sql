-- Make waiting jobs pending now.
-- in:  queue, raw (array), now, operation, kept (so many are remembered), reason

UPDATE jobs.job
SET state = 0, score = (100 - priority) * 17592186044416 + %(now)s, ready_ms = %(now)s, reason = %(reason)s,
    operations = (ARRAY[%(operation)s::text] || operations)[:%(kept)s]
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
