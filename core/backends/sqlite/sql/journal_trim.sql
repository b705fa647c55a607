-- Delete the oldest entries of a journal beyond the newest so many.
-- in:  queue, stream, queue, stream, how many stay, limit

DELETE FROM journal
WHERE position IN (
    SELECT position
    FROM journal
    WHERE queue = ? AND stream = ? AND position <= (
        SELECT position FROM journal WHERE queue = ? AND stream = ? ORDER BY position DESC LIMIT 1 OFFSET ?
    )
    ORDER BY position
    LIMIT ?
);
