-- A job is completed: how far it came and where to go on count no more.
-- in:  job

UPDATE note SET progress = NULL, checkpoint = NULL WHERE job = ?;
