-- Bring dead or cancelled jobs back to life, first come first served for a unique key; who finds its key taken stays.
-- A key that was held for a time is not taken again. Crashes are forgotten; who was a suspect still is.
-- in:  queue, raw (array, in the order they were named), oldest, now, operation, kept (so many are remembered), reason
-- out: raw of those that live again

WITH back AS (
    INSERT INTO jobs.job (
        queue, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms, ready_ms, unique_key,
        has_key, unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses, operations, reason, result,
        error, lines, has_note
    )
    SELECT finished.queue, finished.raw, 0, (100 - priority) * 17592186044416 + %(now)s, task, arguments, options,
           priority, max_attempts, enqueued_ms, %(now)s, unique_key, unique_kind <> 2, unique_kind, unique_until_ms, gate,
           gate_packed, attempts, attempts, least(losses, 1), (ARRAY[%(operation)s::text] || operations)[:%(kept)s],
           %(reason)s, result, error, lines, has_note
    FROM unnest(%(raw)s::bytea[]) WITH ORDINALITY AS named (raw, place)
    JOIN jobs.finished ON finished.queue = %(queue)s AND finished.raw = named.raw
    WHERE finished.finished_ms >= %(oldest)s
      AND (unique_kind = 2 OR NOT EXISTS (
          SELECT FROM jobs.timed_key
          WHERE timed_key.queue = %(queue)s AND timed_key.unique_key = finished.unique_key
            AND finished.unique_key <> '' AND timed_key.until_ms > %(now)s
      ))
    ORDER BY named.place
    ON CONFLICT DO NOTHING
    RETURNING raw
)
DELETE FROM jobs.finished
USING back
WHERE finished.queue = %(queue)s AND finished.raw = back.raw AND finished.finished_ms >= %(oldest)s
RETURNING finished.raw;
