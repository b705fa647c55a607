-- Store a definition; one that is there keeps its switch and its last fire, and its version grows with a new spec.
-- in:  queue, key, spec, enabled, now
-- out: spec, enabled, version, last_fire_ms, last_job

INSERT INTO jobs.schedule AS held (queue, key, spec, enabled, version, last_fire_ms)
VALUES (%(queue)s, %(key)s, %(spec)s, %(enabled)s, 1, %(now)s)
ON CONFLICT (queue, key) DO UPDATE
SET spec = excluded.spec, version = held.version + (held.spec <> excluded.spec)::int
RETURNING spec, enabled, version, last_fire_ms, last_job;
