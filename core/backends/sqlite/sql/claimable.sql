-- The head of the line, with all that a worker needs but its token.
-- in:  queue, limit
-- out: the columns of ClaimRow (token, attempts and claimed_ms still as they were before the claim), the gate that the
--      job has yet to pass (NULL: none), unique_key, unique_for

SELECT job.id, raw, token, task, arguments, options, priority, max_attempts, attempts, forgiven, losses,
       enqueued_ms, ready_ms, claimed_ms, crashes,
       CASE has_note WHEN 1 THEN (SELECT checkpoint FROM note WHERE note.job = job.id) END,
       CASE has_passed WHEN 0 THEN gate END, unique_key, unique_for
FROM job CROSS JOIN body ON body.job = job.id  -- CROSS: in this order
WHERE queue = ? AND state = 0
ORDER BY score, raw
LIMIT ?;
