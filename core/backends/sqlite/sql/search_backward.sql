-- Like page_backward, and whether each job's arguments or options contain all the bytes asked for.
-- in:  queue name (answered as it is), the bytes, each twice, then as page_backward
-- out: the columns of Place

SELECT score, ?, raw, task, id, 1 /* having */
FROM job CROSS JOIN body ON body.job = job.id
WHERE queue = ? AND state = ? AND (score, raw) < (?, ?)
ORDER BY score DESC, raw DESC
LIMIT ?;
