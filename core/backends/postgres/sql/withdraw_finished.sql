-- Delete finished jobs that still are where they were seen.
-- in:  queue, and arrays of raw, state and score (finish time)
-- out: state, raw if it had a note (NULL: none), of each

DELETE FROM jobs.finished
USING unnest(%(raw)s::bytea[], %(state)s::smallint[], %(score)s::bigint[]) AS asked (raw, state, score)
WHERE finished.queue = %(queue)s AND finished.raw = asked.raw AND finished.finished_ms = asked.score
  AND finished.state = asked.state
RETURNING finished.state, CASE WHEN finished.has_note THEN finished.raw END;
