-- The claims of one call that still stand, in the order they were made.
-- in:  queue, worker, first token, last token
-- out: the columns of ClaimRow

SELECT job.id, raw, token, task, arguments, options, priority, max_attempts, attempts, forgiven, losses,
       enqueued_ms, ready_ms, claimed_ms, crashes,
       CASE has_note WHEN 1 THEN (SELECT checkpoint FROM note WHERE note.job = job.id) END
FROM job CROSS JOIN body ON body.job = job.id
WHERE queue = ? AND state = 3 AND worker = ? AND token BETWEEN ? AND ?
ORDER BY token;
