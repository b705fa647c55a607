-- A page of a final state: partitions are read from the near end on, and the rest is not touched. {beyond} and {way}
-- as in page_live.sql; newest first is < and DESC.
-- in:  queues (ids), score (finish times) and raw (arrays: where each queue's walk starts), state, limit (of
--      each queue), most (together)
-- out: the columns of Place, with the queue's id as its key; in the order of the walk

SELECT walk.finished_ms, queue.name, walk.raw, walk.task, queue.id
FROM unnest(%(queues)s::int[], %(score)s::bigint[], %(raw)s::bytea[]) AS edge (queue, finished_ms, raw)
JOIN jobs.queue ON queue.id = edge.queue
CROSS JOIN LATERAL (
    SELECT finished_ms, raw, task
    FROM jobs.finished
    WHERE finished.queue = edge.queue AND finished.state = %(state)s
      AND (finished.finished_ms, finished.raw) {beyond} (edge.finished_ms, edge.raw)
    ORDER BY finished_ms {way}, raw {way}
    LIMIT %(limit)s
) AS walk
ORDER BY walk.finished_ms {way}, queue.name {way}, walk.raw {way}
LIMIT %(most)s;
