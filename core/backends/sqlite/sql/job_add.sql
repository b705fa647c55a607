-- Store a job, unless its id is taken (the write lock keeps row numbers free of races).
-- in:  id, queue, raw, state, score, task, priority, max_attempts, enqueued_ms, ready_ms, unique_key

INSERT INTO job (id, queue, raw, state, score, task, priority, max_attempts, enqueued_ms, ready_ms, unique_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;
