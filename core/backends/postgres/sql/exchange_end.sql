-- What an exchange tells beside its claims.
-- in:  queue, worker
-- out: raw of this worker's jobs that it is asked to stop (array, in the order of their leases), next due time or NULL

SELECT ARRAY(
           SELECT raw
           FROM jobs.job
           WHERE queue = %(queue)s AND worker = %(worker)s AND state = 3 AND cancel_asked
           ORDER BY lease_until_ms, raw
       ),
       least(
           (SELECT score FROM jobs.job WHERE queue = %(queue)s AND state = 1 ORDER BY score, raw LIMIT 1),
           (SELECT score FROM jobs.job WHERE queue = %(queue)s AND state = 4 ORDER BY score, raw LIMIT 1)
       );
