-- Found a store.
-- in:  id, format, now

INSERT INTO jobs.store (id, format, migration, created_ms) VALUES (%(id)s, %(format)s, 0, %(now)s);
