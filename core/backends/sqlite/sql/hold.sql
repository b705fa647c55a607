-- Let a job wait at a gate.
-- in:  now, gate's name, id

UPDATE job SET state = 2, score = ?, held_at = ? WHERE id = ?;
