-- The rows of a page, in no order: without result and error, with the newest line only.
-- in:  the row numbers
-- out: the columns of JobRow

SELECT queue.name, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms, attempts,
       forgiven, losses, unique_key, worker, token, claimed_ms, cancel_asked, reason, NULL, NULL, line, NULL,
       unique_for, unique_until_ms, gate, held_at, crashes, NULL, NULL, NULL
FROM job
CROSS JOIN queue ON queue.id = job.queue
CROSS JOIN body ON body.job = job.id
LEFT JOIN ending ON ending.job = job.id
WHERE job.id IN (/* list */);
