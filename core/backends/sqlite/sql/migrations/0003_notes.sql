-- Crashes, and what running handlers leave with their jobs. Notes lie apart: few jobs have any, and they are written
-- while the job's own row is not.

ALTER TABLE job ADD COLUMN crashes  INTEGER NOT NULL DEFAULT 0;  -- deaths of a process with this job alone in it
ALTER TABLE job ADD COLUMN has_note INTEGER NOT NULL DEFAULT 0;  -- else nobody looks for one

CREATE TABLE note (
    job        INTEGER PRIMARY KEY,
    progress   BLOB,
    checkpoint BLOB,
    log        BLOB
);

CREATE TRIGGER job_with_note_gone AFTER DELETE ON job WHEN OLD.has_note BEGIN
    DELETE FROM note WHERE job = OLD.id;
END;
