-- What this store is.
-- out: id, format, migration

SELECT id, format, migration FROM jobs.store;
