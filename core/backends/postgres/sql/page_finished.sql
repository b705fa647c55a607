-- A page of a final state, newest first: partitions are read from the newest on, and the rest is not touched.
-- in:  queues (ids), finished_ms and raw (arrays: where each queue's walk starts), state, limit
-- out: finished_ms, queue name, raw, task; in natural order

SELECT walk.finished_ms, queue.name, walk.raw, walk.task
FROM unnest(%(queues)s::int[], %(finished_ms)s::bigint[], %(raw)s::bytea[]) AS edge (queue, finished_ms, raw)
JOIN jobs.queue ON queue.id = edge.queue
CROSS JOIN LATERAL (
    SELECT finished_ms, raw, task
    FROM jobs.finished
    WHERE finished.queue = edge.queue AND finished.state = %(state)s
      AND (finished.finished_ms, finished.raw) < (edge.finished_ms, edge.raw)
    ORDER BY finished_ms DESC, raw DESC
    LIMIT %(limit)s
) AS walk
ORDER BY walk.finished_ms DESC, queue.name DESC, walk.raw DESC
LIMIT %(limit)s;
