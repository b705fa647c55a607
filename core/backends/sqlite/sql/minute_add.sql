-- Add to a counter of a minute.
-- in:  queue, minute, metric, n

INSERT INTO minute (queue, minute, metric, n) VALUES (?, ?, ?, ?)
ON CONFLICT (queue, minute, metric) DO UPDATE SET n = n + excluded.n;
