-- Take a tick: one compare-and-set.
-- in:  queue, key, version, last_fire_ms, fire_ms, job (raw)

UPDATE jobs.schedule
SET last_fire_ms = %(fire_ms)s, last_job = %(job)s
WHERE queue = %(queue)s AND key = %(key)s AND enabled AND version = %(version)s AND last_fire_ms = %(last_fire_ms)s;
