-- Claims whose lease has run out, oldest first.
-- in:  queue, now, limit
-- out: worker, then the columns of a Claim but for its checkpoint, and whether it has a note

SELECT worker, raw, token, task, arguments, options, priority, max_attempts, attempts, forgiven, losses, enqueued_ms,
       ready_ms, claimed_ms, crashes, has_note
FROM jobs.job
WHERE queue = %(queue)s AND state = 3 AND lease_until_ms <= %(now)s
ORDER BY lease_until_ms, raw
LIMIT %(limit)s;
