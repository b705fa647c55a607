-- Move the end of a lease.
-- in:  score (lease end), id

UPDATE job SET score = ? WHERE id = ?;
