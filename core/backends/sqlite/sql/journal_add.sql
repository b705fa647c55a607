-- Write a batch to a journal.
-- in:  queue, stream, lines

INSERT INTO journal (queue, stream, lines) VALUES (?, ?, ?);
