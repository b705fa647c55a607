-- Where jobs are to go on. A statement of its own, after the one that locked them: else a note that was committed while
-- that one waited would not be seen.
-- in:  queue, raw (array)
-- out: raw, checkpoint

SELECT raw, checkpoint
FROM jobs.note
WHERE queue = %(queue)s AND raw = ANY (%(raw)s::bytea[]) AND checkpoint IS NOT NULL;
