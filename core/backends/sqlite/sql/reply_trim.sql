-- Forget answers to workers that have not called for long.
-- in:  time

DELETE FROM reply WHERE at_ms <= ?;
