-- Pause a queue; a pause that stands keeps its beginning and takes the new reason.
-- in:  queue, reason, now

UPDATE jobs.queue
SET is_known = true, is_paused = true, paused_reason = %(reason)s,
    paused_ms = CASE WHEN is_paused THEN paused_ms ELSE %(now)s END
WHERE id = %(queue)s;
