-- Forget a gate.
-- in:  queue, name

DELETE FROM gate WHERE queue = ? AND name = ?;
