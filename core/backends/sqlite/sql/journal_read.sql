-- A journal's entries behind a position.
-- in:  queue name, stream, position, limit
-- out: position, lines

SELECT position, lines
FROM journal
WHERE queue = (SELECT id FROM queue WHERE name = ?) AND stream = ? AND position > ?
ORDER BY position
LIMIT ?;
