-- Forget keys whose time is over.
-- in:  queue, now, limit

DELETE FROM jobs.timed_key
WHERE queue = %(queue)s AND unique_key IN (
    SELECT unique_key
    FROM jobs.timed_key
    WHERE queue = %(queue)s AND until_ms <= %(now)s
    ORDER BY until_ms
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
);
