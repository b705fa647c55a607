-- Store the notes of jobs that were just taken over; an empty one is none.
-- in:  queue, and arrays of raw, progress, checkpoint and log

INSERT INTO jobs.note (queue, raw, progress, checkpoint, log)
SELECT %(queue)s, raw, progress, nullif(checkpoint, ''::bytea), nullif(log, ''::bytea)
FROM unnest(%(raw)s::bytea[], %(progress)s::bytea[], %(checkpoint)s::bytea[], %(log)s::bytea[])
       AS new (raw, progress, checkpoint, log);
