-- Enter a worker, or note that it lives; orders that wait for it stay.
-- in:  id, info, started_ms, beat_ms
-- out: quiet, stop

INSERT INTO worker (id, info, started_ms, beat_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET info = excluded.info, started_ms = excluded.started_ms, beat_ms = excluded.beat_ms
RETURNING quiet, stop;
