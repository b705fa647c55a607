-- Take the watch over a queue's leases; two janitors come one after the other.
-- in:  queue
-- out: rescued_ms (NULL: never), quarantine_ms, whether anything is running

SELECT rescued_ms, quarantine_ms, EXISTS (SELECT FROM jobs.job WHERE job.queue = queue.id AND state = 3)
FROM jobs.queue
WHERE id = %(queue)s
FOR UPDATE;
