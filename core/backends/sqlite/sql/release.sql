-- Take back a claim that was not started: the attempt is given back.
-- in:  state, score, reason (NULL: as it was), id

UPDATE job
SET state = ?, score = ?, reason = coalesce(?, reason), attempts = attempts - 1, cancel_asked = 0
WHERE id = ?;
