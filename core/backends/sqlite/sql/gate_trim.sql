-- Forget gates that nobody has passed or waits at, and whose rate is at rest.
-- in:  queue, queue, now (microseconds), limit

DELETE FROM gate
WHERE queue = ? AND name IN (
    SELECT name
    FROM gate
    WHERE queue = ? AND used = 0 AND waiting = 0 AND paid_until_us <= ?
    ORDER BY paid_until_us
    LIMIT ?
);
