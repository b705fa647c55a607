-- A part of the line, locked, for who looks at each whether it passes its gate.
-- in:  queue, score and raw (behind which to go on), limit
-- out: score, raw, the gate it has yet to pass, packed (NULL: none); in run order

SELECT score, raw, CASE WHEN NOT has_passed THEN gate_packed END
FROM jobs.job
WHERE queue = %(queue)s AND state = 0 AND (score, raw) > (%(score)s::bigint, %(raw)s::bytea)
ORDER BY score, raw
LIMIT %(limit)s
FOR UPDATE SKIP LOCKED;
