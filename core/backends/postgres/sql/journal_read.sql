-- A journal's entries behind a position.
-- in:  name of the queue, stream, after, limit
-- out: position, lines

SELECT position, lines
FROM jobs.journal
WHERE queue = (SELECT id FROM jobs.queue WHERE name = %(name)s) AND stream = %(stream)s AND position > %(after)s
ORDER BY position
LIMIT %(limit)s;
