-- Keep what a running handler notes; what it leaves out stays.
-- in:  job, progress, checkpoint, log

INSERT INTO note (job, progress, checkpoint, log) VALUES (?, ?, ?, ?)
ON CONFLICT (job) DO UPDATE SET
    progress   = coalesce(excluded.progress, progress),
    checkpoint = coalesce(excluded.checkpoint, checkpoint),
    log        = coalesce(excluded.log, log);
