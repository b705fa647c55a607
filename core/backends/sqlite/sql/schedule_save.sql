-- Store a schedule as it is now.
-- in:  queue, key, spec, enabled, version, last_fire_ms, last_job

INSERT OR REPLACE INTO schedule (queue, key, spec, enabled, version, last_fire_ms, last_job)
VALUES (?, ?, ?, ?, ?, ?, ?);
