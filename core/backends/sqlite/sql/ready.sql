-- Whether some queues have work, or when they will.
-- in:  the names
-- out: per queue that is not paused: jobs pending, first due time of the scheduled, of the failed (NULL: none)

SELECT pending,
       (SELECT score FROM job WHERE job.queue = queue.id AND state = 1 ORDER BY score, raw LIMIT 1),
       (SELECT score FROM job WHERE job.queue = queue.id AND state = 4 ORDER BY score, raw LIMIT 1)
FROM queue
WHERE name IN (/* list */) AND NOT is_paused;
