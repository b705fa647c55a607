-- Make waiting jobs pending now.
-- in:  queue, raw (array), now, operation, reason

UPDATE jobs.job
SET state = 0, score = (100 - priority) * 17592186044416 + %(now)s, ready_ms = %(now)s, reason = %(reason)s,
    operation = %(operation)s
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
