-- Forget answers to workers that have not called for long.
-- in:  before

DELETE FROM jobs.reply WHERE at_ms <= %(before)s;
