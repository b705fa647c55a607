-- Every queue that is worth listing, in numbers, by name; each number is a few rows or the end of one index.
-- in:  told (so many tasks)
-- out: name, one count a state (in the order of codec.STATES), processed, failures, last_processed_ms, is_paused,
--      paused_reason, paused_ms, first score in run order, newest position of each journal (NULL: none),
--      tasks that are waited for (array, by name)

SELECT queue.name, sums.*, queue.is_paused, queue.paused_reason, queue.paused_ms,
       (SELECT score FROM jobs.job WHERE job.queue = queue.id AND state = 0 ORDER BY score, raw LIMIT 1),
       (SELECT max(position) FROM jobs.journal WHERE journal.queue = queue.id AND stream = 'failures'),
       (SELECT max(position) FROM jobs.journal WHERE journal.queue = queue.id AND stream = 'completed'),
       ARRAY(
           SELECT awaited
           FROM jobs.gate
           WHERE gate.queue = queue.id AND awaited IS NOT NULL
           ORDER BY awaited
           LIMIT %(told)s
       )
FROM jobs.queue
CROSS JOIN LATERAL (
    SELECT coalesce(sum(pending), 0)::bigint, coalesce(sum(scheduled), 0)::bigint, coalesce(sum(held), 0)::bigint,
           coalesce(sum(running), 0)::bigint, coalesce(sum(failed), 0)::bigint, coalesce(sum(completed), 0)::bigint,
           coalesce(sum(dead), 0)::bigint, coalesce(sum(cancelled), 0)::bigint,
           coalesce(sum(processed), 0)::bigint, coalesce(sum(failures), 0)::bigint,
           coalesce(max(last_processed_ms), 0)
    FROM jobs.counter
    WHERE counter.queue = queue.id
) AS sums
WHERE queue.is_known OR EXISTS (SELECT FROM jobs.counter WHERE counter.queue = queue.id AND slot < 0)
ORDER BY queue.name;
