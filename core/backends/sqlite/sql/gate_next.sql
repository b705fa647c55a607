-- When the next gate opens at which somebody waits.
-- in:  queue
-- out: opens_ms, or nothing

SELECT opens_ms FROM gate WHERE queue = ? AND opens_ms IS NOT NULL ORDER BY opens_ms LIMIT 1;
