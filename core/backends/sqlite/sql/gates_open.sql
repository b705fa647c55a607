-- The gates at which somebody waits who may pass now, those that opened first ahead.
-- in:  queue, now, limit
-- out: name

SELECT name FROM gate WHERE queue = ? AND opens_ms <= ? ORDER BY opens_ms LIMIT ?;
