-- Make waiting jobs pending now. Who ordered it for a held job ordered it past its gate.
-- in:  queue, raw (array), now, operation, kept (so many are remembered), reason

UPDATE jobs.job
SET state = 0, score = (100 - priority) * 17592186044416 + %(now)s, ready_ms = %(now)s, reason = %(reason)s,
    operations = (ARRAY[%(operation)s::text] || operations)[:%(kept)s], has_passed = state = 2 AND gate IS NOT NULL,
    held_at = NULL, run_score = NULL
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
