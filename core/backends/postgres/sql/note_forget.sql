-- Delete the notes of jobs that were just deleted. A statement of its own, as note_checkpoints.sql is.
-- in:  queue, raw (array)

DELETE FROM jobs.note WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]);
