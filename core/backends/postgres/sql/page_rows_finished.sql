-- The rows of a page of finished jobs, in no order: without result and error, with the newest line only.
-- in:  queues (ids), raw and score (finish time: with it the partition is known) (arrays)
-- out: the columns of JobRow

SELECT queue.name, finished.raw, finished.state, finished.finished_ms, finished.task, finished.arguments,
       finished.options, finished.priority, finished.max_attempts, finished.enqueued_ms, finished.attempts,
       finished.forgiven, finished.losses, finished.unique_key, '', 0::bigint, 0::bigint, false, finished.reason,
       NULL::bytea, NULL::bytea, finished.lines[cardinality(finished.lines)], NULL::bytea, finished.unique_kind,
       finished.unique_until_ms, finished.gate_packed, '', finished.crashes
FROM unnest(%(queues)s::int[], %(raw)s::bytea[], %(score)s::bigint[]) AS wanted (queue, raw, finished_ms)
JOIN jobs.queue ON queue.id = wanted.queue
JOIN jobs.finished ON finished.queue = wanted.queue AND finished.raw = wanted.raw
                  AND finished.finished_ms = wanted.finished_ms;
