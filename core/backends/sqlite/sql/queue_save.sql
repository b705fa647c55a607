-- Write a queue's row back, as it was changed in this transaction.
-- in:  the columns of queue_find without id and name, then id

UPDATE queue
SET is_known = ?, pending = ?, scheduled = ?, held = ?, running = ?, failed = ?, completed = ?, dead = ?, cancelled = ?,
    processed = ?, failures = ?, last_processed_ms = ?, last_token = ?, is_paused = ?, paused_reason = ?,
    paused_ms = ?, rescued_ms = ?, quarantine_ms = ?
WHERE id = ?;
