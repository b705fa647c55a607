-- A schedule.
-- in:  queue, key
-- out: spec, enabled, version, last_fire_ms, last_job; or nothing

SELECT spec, enabled, version, last_fire_ms, last_job FROM schedule WHERE queue = ? AND key = ?;
