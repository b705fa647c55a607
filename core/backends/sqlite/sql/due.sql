-- The scheduled or the failed jobs whose time has come, soonest first.
-- in:  queue, state, now, limit
-- out: score (due time), raw, id, priority

SELECT score, raw, id, priority
FROM job
WHERE queue = ? AND state = ? AND score <= ?
ORDER BY score, raw
LIMIT ?;
