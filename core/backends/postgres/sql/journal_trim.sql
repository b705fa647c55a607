-- Delete the oldest entries of a journal beyond the newest so many.
-- in:  queue, stream, keep, limit

DELETE FROM jobs.journal
WHERE queue = %(queue)s AND stream = %(stream)s AND position IN (
    SELECT position
    FROM jobs.journal
    WHERE queue = %(queue)s AND stream = %(stream)s AND position <= (
        SELECT last FROM jobs.journal_head WHERE queue = %(queue)s AND stream = %(stream)s
    ) - %(keep)s
    ORDER BY position
    LIMIT %(limit)s
);
