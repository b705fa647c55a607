-- Delete the counters of minutes before one.
-- in:  queue, minute

DELETE FROM minute WHERE queue = ? AND minute < ?;
