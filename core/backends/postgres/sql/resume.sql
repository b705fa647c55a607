-- End a pause.
-- in:  queue

UPDATE jobs.queue SET is_paused = false, paused_reason = '', paused_ms = 0 WHERE id = %(queue)s AND is_paused;
