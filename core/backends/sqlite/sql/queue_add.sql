-- Make a queue's row; one that is there stays as it is.
-- in:  name

INSERT INTO queue (name) VALUES (?) ON CONFLICT DO NOTHING;
