-- Hand a job to a worker.
-- in:  lease end, worker, id

UPDATE job SET state = 3, score = ?, worker = ? WHERE id = ?;
