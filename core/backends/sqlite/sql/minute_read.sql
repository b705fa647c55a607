-- Counters from a minute on.
-- in:  queue name, minute
-- out: minute, metric, n

SELECT minute, metric, n
FROM minute
WHERE queue = (SELECT id FROM queue WHERE name = ?) AND minute >= ?
ORDER BY minute, metric;
