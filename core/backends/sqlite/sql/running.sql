-- The running jobs among some ids: what settle, renew and release compare tokens with.
-- in:  queue, then the raw ids
-- out: id, raw, token, score (lease end), priority, ready_ms, attempts, cancel_asked, unique_key, has_passed, has_note

SELECT id, raw, token, score, priority, ready_ms, attempts, cancel_asked, unique_key, has_passed, has_note
FROM job INDEXED BY job_ref  -- not by state: the running jobs may be many
WHERE queue = ? AND raw IN (/* list */) AND state = 3;
