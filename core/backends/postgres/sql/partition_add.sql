-- Make the partition of one day; made ahead of need by the janitor, so that a settle never waits for DDL.
-- in:  suffix, first millisecond of the day, first millisecond of the next (as literals: DDL takes no parameters)

CREATE TABLE IF NOT EXISTS jobs.finished_{suffix}
PARTITION OF jobs.finished FOR VALUES FROM ({first_ms}) TO ({next_ms})
WITH (fillfactor = 100, autovacuum_vacuum_insert_threshold = 100000);
