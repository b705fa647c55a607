-- Crashes, and what running handlers leave with their jobs. Notes lie apart: few jobs have any, they are written while
-- the job's own row is not, and they stay where they are when the job finishes.

-- has_note: else nobody looks for one. crashes: deaths of a process with this job alone in it.
ALTER TABLE jobs.job
    ADD COLUMN crashes  int     NOT NULL DEFAULT 0,
    ADD COLUMN has_note boolean NOT NULL DEFAULT false;

ALTER TABLE jobs.finished
    ADD COLUMN crashes  int     NOT NULL DEFAULT 0,
    ADD COLUMN has_note boolean NOT NULL DEFAULT false;

-- Only who holds the lock of the job's row, live or finished, reads or writes its note to act on it.
CREATE TABLE jobs.note (
    queue      int   NOT NULL,
    raw        bytea NOT NULL,
    progress   bytea,
    checkpoint bytea,
    log        bytea,
    PRIMARY KEY (queue, raw)
) WITH (
    fillfactor = 50,  -- written once a second while a handler runs
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 10000
);
