-- Workers that beat after a time, oldest start first.
-- in:  time
-- out: info

SELECT info FROM worker WHERE beat_ms > ? ORDER BY started_ms, id;
