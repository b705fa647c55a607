-- Delete a job.
-- in:  id

DELETE FROM job WHERE id = ?;
