-- Gates at which somebody waits who may pass now, the longest due first.
-- in:  queue, now, limit
-- out: name

SELECT name
FROM jobs.gate
WHERE queue = %(queue)s AND opens_ms IS NOT NULL AND opens_ms <= %(now)s
ORDER BY opens_ms
LIMIT %(limit)s;
