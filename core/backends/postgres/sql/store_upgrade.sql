-- Note the newest migration that has run.
-- in:  migration

UPDATE jobs.store SET migration = %(migration)s;
