-- Take back those just stored whose unique key is held for a time. A statement of its own, as job_add_check.sql.
-- in:  queue, raw (array of those stored that have a key), now
-- out: raw of those taken back

DELETE FROM jobs.job
USING jobs.timed_key
WHERE job.queue = %(queue)s AND job.raw = ANY (%(raw)s::bytea[])
  AND timed_key.queue = job.queue AND timed_key.unique_key = job.unique_key AND timed_key.until_ms > %(now)s
RETURNING job.raw;
