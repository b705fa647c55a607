-- Store a job of another store as it is.
-- in:  id, queue, raw, state, score, task, priority, max_attempts, enqueued_ms, ready_ms, unique_key, held_at, attempts,
--      forgiven, losses, crashes, reason, has_note

INSERT INTO job (id, queue, raw, state, score, task, priority, max_attempts, enqueued_ms, ready_ms, unique_key, held_at,
                 attempts, forgiven, losses, crashes, reason, has_note)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
