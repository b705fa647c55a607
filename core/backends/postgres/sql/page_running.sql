-- A page of running jobs, by the end of their lease, which is in no index: the running jobs of the queues are sorted;
-- they are as many as there are slots. {beyond} and {way} as in page_live.sql.
-- in:  queues (ids), score and raw (arrays: where each queue's walk starts), limit
-- out: the columns of Place, with the queue's id as its key; in the order of the walk

SELECT job.lease_until_ms, queue.name, job.raw, job.task, queue.id
FROM unnest(%(queues)s::int[], %(score)s::bigint[], %(raw)s::bytea[]) AS edge (queue, score, raw)
JOIN jobs.queue ON queue.id = edge.queue
JOIN jobs.job ON job.queue = edge.queue
WHERE job.state = 3 AND (job.lease_until_ms, job.raw) {beyond} (edge.score, edge.raw)
ORDER BY job.lease_until_ms {way}, queue.name {way}, job.raw {way}
LIMIT %(limit)s;
