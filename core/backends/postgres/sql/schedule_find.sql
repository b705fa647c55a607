-- A schedule.
-- in:  queue, key
-- out: spec, enabled, version, last_fire_ms, last_job; or nothing

SELECT spec, enabled, version, last_fire_ms, last_job FROM jobs.schedule WHERE queue = %(queue)s AND key = %(key)s;
