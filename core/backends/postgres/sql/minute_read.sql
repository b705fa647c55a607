-- Counters from a minute on.
-- in:  name of the queue, since
-- out: minute, metric, n

SELECT minute, metric, sum(n)::bigint
FROM jobs.minute
WHERE queue = (SELECT id FROM jobs.queue WHERE name = %(name)s) AND minute >= %(since)s
GROUP BY minute, metric
ORDER BY minute, metric;
