-- Leave orders for a worker.
-- in:  quiet, stop, id

UPDATE worker SET quiet = ?, stop = ? WHERE id = ?;
