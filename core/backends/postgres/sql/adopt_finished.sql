-- Store finished jobs of another store, unless their id is live or retained.
-- in:  queue, oldest, and one array a column; lines is packed: the text form of bytea[]
-- out: raw of those stored

INSERT INTO jobs.finished (
    queue, raw, state, finished_ms, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key,
    unique_kind, unique_until_ms, gate, gate_packed, attempts, forgiven, losses, operations, reason, result, error, lines,
    crashes, has_note
)
SELECT %(queue)s, new.raw, new.state, new.score, new.task, new.arguments, new.options, new.priority, new.max_attempts,
       new.enqueued_ms, new.unique_key, new.unique_kind, new.unique_until_ms, new.gate, new.gate_packed, new.attempts,
       new.forgiven, new.losses, '{}', new.reason, new.result, new.error, new.lines::bytea[],
       new.crashes, new.has_note
FROM unnest(
         %(raw)s::bytea[], %(state)s::smallint[], %(score)s::bigint[], %(task)s::text[], %(arguments)s::bytea[],
         %(options)s::bytea[], %(priority)s::smallint[], %(max_attempts)s::int[], %(enqueued_ms)s::bigint[],
         %(unique_key)s::text[], %(unique_kind)s::smallint[], %(unique_until_ms)s::bigint[], %(gate)s::text[],
         %(gate_packed)s::bytea[], %(attempts)s::int[], %(forgiven)s::int[], %(losses)s::int[], %(reason)s::text[],
         %(result)s::bytea[], %(error)s::bytea[], %(lines)s::text[], %(crashes)s::int[], %(has_note)s::boolean[]
     )
       AS new (raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms, unique_key, unique_kind,
               unique_until_ms, gate, gate_packed, attempts, forgiven, losses, reason, result, error, lines, crashes,
               has_note)
WHERE NOT EXISTS (SELECT FROM jobs.job WHERE job.queue = %(queue)s AND job.raw = new.raw)
  AND NOT EXISTS (
      SELECT FROM jobs.finished AS there
      WHERE there.queue = %(queue)s AND there.raw = new.raw AND there.finished_ms >= %(oldest)s
  )
ON CONFLICT DO NOTHING
RETURNING raw;
