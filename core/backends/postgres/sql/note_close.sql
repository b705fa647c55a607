-- Jobs are completed: how far they came and where to go on count no more. A statement of its own, as
-- note_checkpoints.sql is.
-- in:  queue, raw (array)

UPDATE jobs.note
SET progress = NULL, checkpoint = NULL
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]) AND (progress IS NOT NULL OR checkpoint IS NOT NULL);
