-- Workers that beat after a time, oldest start first.
-- in:  since
-- out: info

SELECT info FROM jobs.worker WHERE beat_ms > %(since)s ORDER BY started_ms, id;
