-- Whether some queues have work, or when they will.
-- in:  the names
-- out: per queue that is not paused: jobs pending, then, NULL for none, the first due time of the scheduled, of the
--      failed, and when the next gate opens at which somebody waits

SELECT pending,
       (SELECT score FROM job WHERE job.queue = queue.id AND state = 1 ORDER BY score, raw LIMIT 1),
       (SELECT score FROM job WHERE job.queue = queue.id AND state = 4 ORDER BY score, raw LIMIT 1),
       (SELECT opens_ms FROM gate WHERE gate.queue = queue.id AND opens_ms IS NOT NULL ORDER BY opens_ms LIMIT 1)
FROM queue
WHERE name IN (/* list */) AND NOT is_paused;
