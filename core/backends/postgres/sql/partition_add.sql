-- Make the partition of one day; made ahead of need by the janitor, so that a settle never waits for DDL. Attached and
-- not created in place: that would lock out everybody who reads or writes finished jobs.
-- in:  {suffix}, {first_ms} of the day, {next_ms} of the next (in the text: DDL takes no parameters)

CREATE TABLE jobs.finished_{suffix} (LIKE jobs.finished INCLUDING DEFAULTS)
WITH (fillfactor = 100, autovacuum_vacuum_insert_threshold = 100000);
ALTER TABLE jobs.finished ATTACH PARTITION jobs.finished_{suffix} FOR VALUES FROM ({first_ms}) TO ({next_ms});
