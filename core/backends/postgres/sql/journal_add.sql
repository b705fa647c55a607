-- Write a batch to a journal; its head stays locked until the commit, so this comes late in a transaction.
-- in:  queue, stream, lines

WITH head AS (
    INSERT INTO jobs.journal_head AS held (queue, stream, last)
    VALUES (%(queue)s, %(stream)s, 1)
    ON CONFLICT (queue, stream) DO UPDATE SET last = held.last + 1
    RETURNING last
)
INSERT INTO jobs.journal (queue, stream, position, lines)
SELECT %(queue)s, %(stream)s, head.last, %(lines)s FROM head;
