-- Slots below 0 belong to one connection of the server each: an enqueue within a caller's transaction holds its row's
-- lock until the caller commits, so it must be a row that nobody else wants. A pid does not fit into a smallint.

ALTER TABLE jobs.counter ALTER COLUMN slot TYPE int;
