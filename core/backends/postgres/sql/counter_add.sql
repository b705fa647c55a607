-- Add a transaction's moves to a slot; the last statement of a transaction, so that the row's lock is held for the
-- commit only. Without a slot it is the connection's own, for a transaction that others must not wait for.
-- in:  queue, slot (NULL: the connection's own), and one difference a column
-- out: nothing

INSERT INTO jobs.counter AS held (
    queue, slot, pending, scheduled, held, running, failed, completed, dead, cancelled, processed, failures,
    last_processed_ms
)
VALUES (
    %(queue)s, coalesce(%(slot)s, -pg_backend_pid()), %(pending)s, %(scheduled)s, %(held)s, %(running)s, %(failed)s,
    %(completed)s, %(dead)s, %(cancelled)s, %(processed)s, %(failures)s, %(last_processed_ms)s
)
ON CONFLICT (queue, slot) DO UPDATE SET
    pending = held.pending + excluded.pending, scheduled = held.scheduled + excluded.scheduled,
    held = held.held + excluded.held, running = held.running + excluded.running,
    failed = held.failed + excluded.failed, completed = held.completed + excluded.completed,
    dead = held.dead + excluded.dead, cancelled = held.cancelled + excluded.cancelled,
    processed = held.processed + excluded.processed, failures = held.failures + excluded.failures,
    last_processed_ms = greatest(held.last_processed_ms, excluded.last_processed_ms);
