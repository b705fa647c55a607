-- Why jobs were not stored: their id is there, or another holds their unique key.
-- in:  queue, oldest, now, and arrays of raw and unique_key
-- out: raw, whether the id is live or retained, raw of the key's holder (NULL: none)

SELECT new.raw,
       EXISTS (SELECT FROM jobs.job WHERE job.queue = %(queue)s AND job.raw = new.raw)
       OR EXISTS (
           SELECT FROM jobs.finished
           WHERE finished.queue = %(queue)s AND finished.raw = new.raw AND finished.finished_ms >= %(oldest)s
       ),
       coalesce(
           (SELECT job.raw FROM jobs.job
            WHERE job.queue = %(queue)s AND job.unique_key = new.unique_key AND job.unique_key <> '' AND job.has_key
              AND (job.unique_kind <> 2 OR job.unique_until_ms > %(now)s)),
           (SELECT timed_key.raw FROM jobs.timed_key
            WHERE timed_key.queue = %(queue)s AND timed_key.unique_key = new.unique_key AND timed_key.until_ms > %(now)s)
       )
FROM unnest(%(raw)s::bytea[], %(unique_key)s::text[]) AS new (raw, unique_key);
