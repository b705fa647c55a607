-- Apply an operator's verb and remember its operation.
-- in:  state, score, ready_ms, has_passed, reason, operations (model/operation.py), id

UPDATE job
SET state = ?, score = ?, ready_ms = ?, has_passed = ?, reason = ?, operation = ?, cancel_asked = 0,
    held_at = ''
WHERE id = ?;
