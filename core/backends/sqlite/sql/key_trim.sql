-- Forget unique keys whose time is over.
-- in:  queue, queue, now, limit

DELETE FROM key_holder
WHERE queue = ? AND key IN (
    SELECT key FROM key_holder WHERE queue = ? AND until_ms > 0 AND until_ms <= ? ORDER BY until_ms LIMIT ?
);
