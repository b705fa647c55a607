-- Whether an id is live or retained.
-- in:  queue, raw
-- out: 1 or nothing

SELECT 1 FROM job WHERE queue = ? AND raw = ?;
