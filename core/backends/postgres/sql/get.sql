-- Jobs whole, in one statement, so that a job that finishes meanwhile is seen once. `oldest` leaves only the partitions
-- that one of them can have finished in.
-- in:  names of queues and raw (arrays), oldest
-- out: the columns of JobRow, then all lines

SELECT queue.name, job.raw, job.state, CASE WHEN job.state = 3 THEN job.lease_until_ms ELSE job.score END, job.task,
       job.arguments, job.options, job.priority, job.max_attempts, job.enqueued_ms, job.attempts, job.forgiven,
       job.losses, job.unique_key, job.worker, job.token, job.claimed_ms, job.cancel_asked, job.reason, job.result,
       job.error, NULL::bytea, NULL::bytea, job.unique_kind, job.unique_until_ms, job.gate_packed,
       coalesce(job.held_at, ''), job.crashes, note.progress, note.checkpoint, note.log, job.lines
FROM unnest(%(names)s::text[], %(raw)s::bytea[]) AS wanted (name, raw)
JOIN jobs.queue ON queue.name = wanted.name
JOIN jobs.job ON job.queue = queue.id AND job.raw = wanted.raw
LEFT JOIN jobs.note ON note.queue = job.queue AND note.raw = job.raw AND job.has_note
UNION ALL
SELECT queue.name, finished.raw, finished.state, finished.finished_ms, finished.task, finished.arguments,
       finished.options, finished.priority, finished.max_attempts, finished.enqueued_ms, finished.attempts,
       finished.forgiven, finished.losses, finished.unique_key, '', 0, 0, false, finished.reason, finished.result,
       finished.error, NULL::bytea, NULL::bytea, finished.unique_kind, finished.unique_until_ms, finished.gate_packed, '',
       finished.crashes, note.progress, note.checkpoint, note.log, finished.lines
FROM unnest(%(names)s::text[], %(raw)s::bytea[]) AS wanted (name, raw)
JOIN jobs.queue ON queue.name = wanted.name
JOIN jobs.finished ON finished.queue = queue.id AND finished.raw = wanted.raw
LEFT JOIN jobs.note ON note.queue = finished.queue AND note.raw = finished.raw AND finished.has_note
WHERE finished.finished_ms >= %(oldest)s;
