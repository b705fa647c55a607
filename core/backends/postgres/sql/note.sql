-- Keep what running handlers note; what is left out stays. Rows are locked in the order of raw, as in settle.sql; the
-- job's own row is written with its first note only, and in no index.
-- in:  queue, and arrays of raw, token, progress, checkpoint and log (NULL: left out); each claim once
-- out: raw, token of those that still are their holder's

WITH held AS MATERIALIZED (
    SELECT job.raw, job.token, job.has_note, noted.progress, noted.checkpoint, noted.log
    FROM unnest(%(raw)s::bytea[], %(token)s::bigint[], %(progress)s::bytea[], %(checkpoint)s::bytea[], %(log)s::bytea[])
           AS noted (raw, token, progress, checkpoint, log)
    JOIN jobs.job ON job.queue = %(queue)s AND job.raw = noted.raw
    WHERE job.token = noted.token AND job.state = 3
    ORDER BY job.raw
    FOR UPDATE OF job
),
saved AS (
    INSERT INTO jobs.note AS there (queue, raw, progress, checkpoint, log)
    SELECT %(queue)s, raw, progress, checkpoint, log FROM held
    ON CONFLICT (queue, raw) DO UPDATE
    SET progress = coalesce(excluded.progress, there.progress),
        checkpoint = coalesce(excluded.checkpoint, there.checkpoint),
        log = coalesce(excluded.log, there.log)
),
marked AS (
    UPDATE jobs.job
    SET has_note = true
    FROM held
    WHERE job.queue = %(queue)s AND job.raw = held.raw AND NOT held.has_note
)
SELECT raw, token FROM held;
