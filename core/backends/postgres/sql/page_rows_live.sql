-- The rows of a page of live jobs, in no order: without result and error, with the newest line only.
-- in:  queues (ids) and raw (arrays)
-- out: the columns of JobRow

SELECT queue.name, job.raw, job.state, CASE WHEN job.state = 3 THEN job.lease_until_ms ELSE job.score END, job.task,
       job.arguments, job.options, job.priority, job.max_attempts, job.enqueued_ms, job.attempts, job.forgiven,
       job.losses, job.unique_key, job.worker, job.token, job.claimed_ms, job.cancel_asked, job.reason, NULL::bytea,
       NULL::bytea, job.lines[cardinality(job.lines)], NULL::bytea, job.unique_kind, job.unique_until_ms, job.gate_packed,
       coalesce(job.held_at, ''), job.crashes
FROM unnest(%(queues)s::int[], %(raw)s::bytea[]) AS wanted (queue, raw)
JOIN jobs.queue ON queue.id = wanted.queue
JOIN jobs.job ON job.queue = wanted.queue AND job.raw = wanted.raw;
