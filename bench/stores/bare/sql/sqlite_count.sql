-- Add to the jobs a queue has processed.
-- in:  n, queue

UPDATE queue SET processed = processed + ? WHERE id = ?;
