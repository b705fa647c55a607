-- Enter a worker, or note that it lives; orders that wait for it stay.
-- in:  id, info, started_ms, now
-- out: quiet, stop

INSERT INTO jobs.worker (id, info, started_ms, beat_ms)
VALUES (%(id)s, %(info)s, %(started_ms)s, %(now)s)
ON CONFLICT (id) DO UPDATE
SET info = excluded.info, started_ms = excluded.started_ms, beat_ms = excluded.beat_ms
RETURNING quiet, stop;
