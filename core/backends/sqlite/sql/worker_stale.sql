-- Workers that have not beaten since a time.
-- in:  time
-- out: id

SELECT id FROM worker WHERE beat_ms < ?;
