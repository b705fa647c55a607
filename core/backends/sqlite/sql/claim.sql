-- Hand a pending job to a worker.
-- in:  lease end, token, worker, now, id

UPDATE job
SET state = 3, score = ?, token = ?, worker = ?, claimed_ms = ?, attempts = attempts + 1
WHERE id = ?;
