-- Move what a worker held to `done`.
-- in:  queue, now, raw and result (arrays)
-- out: raw of those moved

WITH gone AS (
    DELETE FROM bare.job
    USING unnest(%(raw)s::bytea[], %(result)s::bytea[]) AS sent (raw, result)
    WHERE job.queue = %(queue)s AND job.raw = sent.raw AND job.is_held
    RETURNING job.queue, job.raw, job.body, sent.result
)
INSERT INTO bare.done (queue, raw, finished_ms, body, result)
SELECT queue, raw, %(now)s, body, result FROM gone
RETURNING raw;
