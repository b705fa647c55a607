-- Delete a schedule.
-- in:  queue, key

DELETE FROM schedule WHERE queue = ? AND key = ?;
