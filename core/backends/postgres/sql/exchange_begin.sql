-- All that an exchange wants to know first.
-- in:  name of the queue, worker
-- out: id, is_known, has_gates, is_paused, completed jobs, next due time (NULL: none), the time at
--      which the next gate opens for one who waits (NULL: none), and the last answer to this worker: call, refused,
--      tokens (NULL: none), the store's time as in now.sql (nothing was waited for yet); or nothing

SELECT queue.id, queue.is_known, queue.has_gates, queue.is_paused,
       (SELECT coalesce(sum(completed), 0)::bigint FROM jobs.counter
        WHERE counter.queue = queue.id AND slot >= 0),
       least(
           (SELECT score FROM jobs.job WHERE job.queue = queue.id AND state = 1 ORDER BY score, raw LIMIT 1),
           (SELECT score FROM jobs.job WHERE job.queue = queue.id AND state = 4 ORDER BY score, raw LIMIT 1)
       ),
       (SELECT opens_ms FROM jobs.gate
        WHERE gate.queue = queue.id AND opens_ms IS NOT NULL ORDER BY opens_ms LIMIT 1),
       reply.call, reply.refused, reply.tokens,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint
FROM jobs.queue
LEFT JOIN jobs.reply ON reply.worker = %(worker)s AND reply.queue = queue.id
WHERE queue.name = %(name)s;
