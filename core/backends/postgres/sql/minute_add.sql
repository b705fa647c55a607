-- Add to the counters of a minute, in the order of their names, so that two who add wait for each other one way only.
-- in:  queue, minute, slot, metric and n (arrays)

INSERT INTO jobs.minute AS held (queue, minute, metric, slot, n)
SELECT %(queue)s, %(minute)s, metric, %(slot)s, n
FROM unnest(%(metric)s::text[], %(n)s::bigint[]) AS sums (metric, n)
ORDER BY metric
ON CONFLICT (queue, minute, metric, slot) DO UPDATE SET n = held.n + excluded.n;
