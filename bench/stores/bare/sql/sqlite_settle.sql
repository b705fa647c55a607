-- Mark a job as done.
-- in:  now, id

UPDATE job SET state = 5, score = ? WHERE id = ? AND state = 3;
