-- Claims whose lease has run out, oldest first.
-- in:  queue, now, limit
-- out: worker, then the columns of ClaimRow

SELECT worker, job.id, raw, token, task, arguments, options, priority, max_attempts, attempts, forgiven, losses,
       enqueued_ms, ready_ms, claimed_ms, crashes,
       CASE has_note WHEN 1 THEN (SELECT checkpoint FROM note WHERE note.job = job.id) END
FROM job CROSS JOIN body ON body.job = job.id
WHERE queue = ? AND state = 3 AND score <= ?
ORDER BY score, raw
LIMIT ?;
