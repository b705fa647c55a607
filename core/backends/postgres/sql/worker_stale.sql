-- Workers that have not beaten since a time.
-- in:  before
-- out: id

SELECT id FROM jobs.worker WHERE beat_ms < %(before)s ORDER BY id;
