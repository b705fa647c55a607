-- Take back those just stored whose id has finished already. A statement of its own, because it needs a snapshot
-- taken after the insert: a settle that moved the row meanwhile is seen only then. `oldest` (the earliest time in the
-- ids, less a day for clocks that differ) leaves only the partitions that such a job can have finished in.
-- in:  queue, raw (array of those stored), oldest
-- out: raw, state of those taken back

DELETE FROM jobs.job
WHERE queue = %(queue)s
  AND raw IN (
      SELECT finished.raw
      FROM unnest(%(raw)s::bytea[]) AS new (raw)
      JOIN jobs.finished ON finished.queue = %(queue)s AND finished.raw = new.raw
      WHERE finished.finished_ms >= %(oldest)s
  )
RETURNING raw, state;
