-- Store a schedule of another store, unless its key is there.
-- in:  queue, key, spec, enabled, version, last_fire_ms, last_job

INSERT INTO jobs.schedule (queue, key, spec, enabled, version, last_fire_ms, last_job)
VALUES (%(queue)s, %(key)s, %(spec)s, %(enabled)s, %(version)s, %(last_fire_ms)s, %(last_job)s)
ON CONFLICT DO NOTHING;
