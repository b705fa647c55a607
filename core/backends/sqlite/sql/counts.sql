-- Every queue that is worth listing, in numbers, by name; each number is one row or the end of one index.
-- out: the columns of queue_find, the first score in run order, the newest position of each journal (NULL: none)

SELECT id, name, is_known, pending, scheduled, held, running, failed, completed, dead, cancelled, processed, failures,
       last_processed_ms, last_token, is_paused, paused_reason, paused_ms, rescued_ms, quarantine_ms,
       (SELECT score FROM job WHERE job.queue = queue.id AND state = 0 ORDER BY score, raw LIMIT 1),
       (SELECT position FROM journal WHERE journal.queue = queue.id AND stream = 'failures'
        ORDER BY position DESC LIMIT 1),
       (SELECT position FROM journal WHERE journal.queue = queue.id AND stream = 'completed'
        ORDER BY position DESC LIMIT 1)
FROM queue
WHERE is_known
ORDER BY name;
