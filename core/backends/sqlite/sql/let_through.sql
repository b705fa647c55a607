-- Put a job that waited at a gate back to its place in run order.
-- in:  score, whether it has passed its gate, id

UPDATE job SET state = 0, score = ?, has_passed = ?, held_at = '' WHERE id = ?;
