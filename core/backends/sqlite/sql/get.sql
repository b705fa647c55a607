-- Jobs whole.
-- in:  queue name, then the raw ids
-- out: the columns of JobRow

SELECT queue.name, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms, attempts,
       forgiven, losses, unique_key, worker, token, claimed_ms, cancel_asked, reason, result, error, line, earlier,
       unique_for, unique_until_ms, gate, held_at, crashes, progress, checkpoint, log
FROM queue
CROSS JOIN job ON job.queue = queue.id
CROSS JOIN body ON body.job = job.id
LEFT JOIN ending ON ending.job = job.id
LEFT JOIN note ON note.job = job.id
WHERE queue.name = ? AND raw IN (/* list */);
