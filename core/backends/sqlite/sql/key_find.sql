-- The job that has a unique key now.
-- in:  queue, key, now
-- out: raw, or nothing

SELECT raw FROM key_holder WHERE queue = ? AND key = ? AND (until_ms = 0 OR until_ms > ?);
