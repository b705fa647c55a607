-- Take a unique key back from a job that has it by its state.
-- in:  queue, key, raw

DELETE FROM key_holder WHERE queue = ? AND key = ? AND raw = ? AND until_ms = 0;
