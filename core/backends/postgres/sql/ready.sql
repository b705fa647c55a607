-- Whether some queues have work, or when they will: a job is due, or a gate lets one pass that waits there.
-- in:  names (array)
-- out: 0 for now, the next due time, or NULL: nothing waits

SELECT min(least(
           (SELECT 0 FROM jobs.job WHERE job.queue = queue.id AND state = 0 ORDER BY score, raw LIMIT 1),
           (SELECT score FROM jobs.job WHERE job.queue = queue.id AND state = 1 ORDER BY score, raw LIMIT 1),
           (SELECT score FROM jobs.job WHERE job.queue = queue.id AND state = 4 ORDER BY score, raw LIMIT 1),
           (SELECT opens_ms FROM jobs.gate
            WHERE gate.queue = queue.id AND opens_ms IS NOT NULL ORDER BY opens_ms LIMIT 1)
       ))
FROM jobs.queue
WHERE name = ANY (%(names)s::text[]) AND NOT is_paused;
