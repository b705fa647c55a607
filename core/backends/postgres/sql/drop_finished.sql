-- Delete jobs of a final state that finished before a time, oldest first.
-- in:  queue, state, before, limit
-- out: raw of those that had a note, NULL of the others

WITH doomed AS MATERIALIZED (
    SELECT raw, finished_ms
    FROM jobs.finished
    WHERE queue = %(queue)s AND state = %(state)s AND finished_ms < %(before)s
    ORDER BY finished_ms, raw
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
DELETE FROM jobs.finished
USING doomed
WHERE finished.queue = %(queue)s AND finished.raw = doomed.raw AND finished.finished_ms = doomed.finished_ms
RETURNING CASE WHEN finished.has_note THEN finished.raw END;
