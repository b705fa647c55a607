-- A page of pending, scheduled, held or failed jobs: each queue's index is walked from the cursor and the walks are
-- merged. {state} is written into the text (one of four numbers), or no partial index would fit; {beyond} is > and
-- {way} ASC, or < and DESC for the way back.
-- in:  queues (ids), score and raw (arrays: where each queue's walk starts), limit (of each queue), most (together)
-- out: the columns of Place, with the queue's id as its key; in the order of the walk

SELECT walk.score, queue.name, walk.raw, walk.task, queue.id
FROM unnest(%(queues)s::int[], %(score)s::bigint[], %(raw)s::bytea[]) AS edge (queue, score, raw)
JOIN jobs.queue ON queue.id = edge.queue
CROSS JOIN LATERAL (
    SELECT score, raw, task
    FROM jobs.job
    WHERE job.queue = edge.queue AND job.state = {state} AND (job.score, job.raw) {beyond} (edge.score, edge.raw)
    ORDER BY score {way}, raw {way}
    LIMIT %(limit)s
) AS walk
ORDER BY walk.score {way}, queue.name {way}, walk.raw {way}
LIMIT %(most)s;
