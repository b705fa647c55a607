-- What an exchange of a queue that has gates tells beside its claims.
-- in:  queue, worker, told (so many tasks)
-- out: raw of this worker's jobs that it is asked to stop (array, in the order of their leases), next due time or NULL,
--      the next time at which a gate lets one pass that waits there or NULL, tasks that are waited for (array, by name)

SELECT ARRAY(
           SELECT raw
           FROM jobs.job
           WHERE queue = %(queue)s AND worker = %(worker)s AND state = 3 AND cancel_asked
           ORDER BY lease_until_ms, raw
       ),
       least(
           (SELECT score FROM jobs.job WHERE queue = %(queue)s AND state = 1 ORDER BY score, raw LIMIT 1),
           (SELECT score FROM jobs.job WHERE queue = %(queue)s AND state = 4 ORDER BY score, raw LIMIT 1)
       ),
       (SELECT opens_ms FROM jobs.gate WHERE queue = %(queue)s AND opens_ms IS NOT NULL ORDER BY opens_ms LIMIT 1),
       ARRAY(
           SELECT awaited
           FROM jobs.gate
           WHERE queue = %(queue)s AND awaited IS NOT NULL
           ORDER BY awaited
           LIMIT %(told)s
       );
