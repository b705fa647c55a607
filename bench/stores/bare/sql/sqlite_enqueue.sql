-- Store a job.
-- in:  queue, raw, score, body

INSERT INTO job (queue, raw, state, score, body) VALUES (?, ?, 0, ?, ?) ON CONFLICT DO NOTHING;
