-- Say that a job has a note.
-- in:  id

UPDATE job SET has_note = 1 WHERE id = ?;
