-- A page of pending, scheduled, held or failed jobs, forward: each queue's index is walked from the cursor and the
-- walks are merged. The state is written into the text ({state}: one of four numbers), or no partial index would fit.
-- in:  queues (ids), score and raw (arrays: where each queue's walk starts), limit
-- out: score, queue name, raw, task; in natural order

SELECT walk.score, queue.name, walk.raw, walk.task
FROM unnest(%(queues)s::int[], %(score)s::bigint[], %(raw)s::bytea[]) AS edge (queue, score, raw)
JOIN jobs.queue ON queue.id = edge.queue
CROSS JOIN LATERAL (
    SELECT score, raw, task
    FROM jobs.job
    WHERE job.queue = edge.queue AND job.state = {state} AND (job.score, job.raw) > (edge.score, edge.raw)
    ORDER BY score, raw
    LIMIT %(limit)s
) AS walk
ORDER BY walk.score, queue.name, walk.raw
LIMIT %(limit)s;
