-- Ask a running attempt to stop.
-- in:  operation, id

UPDATE job SET cancel_asked = 1, operation = ? WHERE id = ?;
