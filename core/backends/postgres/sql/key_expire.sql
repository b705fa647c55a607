-- Let go of keys whose time is over and whose jobs are still there.
-- in:  queue, unique_key (array), now

WITH over AS MATERIALIZED (
    SELECT raw
    FROM jobs.job
    WHERE queue = %(queue)s AND unique_key = ANY (%(unique_key)s::text[]) AND unique_key <> '' AND has_key
      AND unique_kind = 2 AND unique_until_ms <= %(now)s
    ORDER BY raw
    FOR UPDATE
)
UPDATE jobs.job SET has_key = false FROM over WHERE job.queue = %(queue)s AND job.raw = over.raw;
