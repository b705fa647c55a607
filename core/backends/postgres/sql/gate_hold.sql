-- Turn jobs away that this transaction has locked: each waits at its own gate, in its run order.
-- in:  queue, raw (array), now

UPDATE jobs.job
SET state = 2, held_at = gate, run_score = score, score = %(now)s
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
