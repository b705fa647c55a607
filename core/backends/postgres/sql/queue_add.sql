-- Make a queue; one that is there stays as it is.
-- in:  name

INSERT INTO jobs.queue (name) VALUES (%(name)s) ON CONFLICT DO NOTHING;
