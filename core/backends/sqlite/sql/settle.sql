-- Move a running job to where its attempt sent it (its token was compared in this transaction).
-- in:  state, score, ready_ms, attempts given back, attempts forgiven, losses that stay (1: all, 0: none), losses,
--      crashes, reason, id

UPDATE job
SET state = ?, score = ?, ready_ms = ?, attempts = attempts - ?, forgiven = forgiven + ?, losses = losses * ? + ?,
    crashes = crashes + ?, reason = ?, has_passed = 0, cancel_asked = 0
WHERE id = ?;
