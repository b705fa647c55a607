-- Make a due job pending, in line since it was due.
-- in:  score, ready_ms, id

UPDATE job SET state = 0, score = ?, ready_ms = ? WHERE id = ?;
