-- The claims of one call that still stand, for a call that is sent again.
-- in:  queue, worker, tokens (array)
-- out: as claim.sql

SELECT score, raw, token, task, arguments, options, priority, max_attempts, attempts, forgiven, losses, enqueued_ms,
       ready_ms, claimed_ms, crashes, has_note
FROM jobs.job
WHERE queue = %(queue)s AND state = 3 AND worker = %(worker)s AND token = ANY (%(tokens)s::bigint[]);
