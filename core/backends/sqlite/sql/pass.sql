-- Note that a job holds a slot of its gate.
-- in:  id

UPDATE job SET has_passed = 1 WHERE id = ?;
