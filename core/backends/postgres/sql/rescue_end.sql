-- Remember a pass.
-- in:  queue, now, quarantine_ms

UPDATE jobs.queue SET rescued_ms = %(now)s, quarantine_ms = %(quarantine_ms)s WHERE id = %(queue)s;
