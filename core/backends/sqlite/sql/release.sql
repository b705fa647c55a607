-- Take back a claim that was not started: the attempt and the slot of its gate are given back.
-- in:  state, score, reason (NULL: as it was), id

UPDATE job
SET state = ?, score = ?, reason = coalesce(?, reason), attempts = attempts - 1, has_passed = 0, cancel_asked = 0
WHERE id = ?;
