-- One queue's walk through a state, behind a place.
-- in:  queue name (answered as it is), queue, state, score, raw, limit
-- out: the columns of Place

SELECT score, ?, raw, task, id
FROM job
WHERE queue = ? AND state = ? AND (score, raw) > (?, ?)
ORDER BY score, raw
LIMIT ?;
