-- Ask a running attempt to stop.
-- in:  operations (model/operation.py), id

UPDATE job SET cancel_asked = 1, operation = ? WHERE id = ?;
