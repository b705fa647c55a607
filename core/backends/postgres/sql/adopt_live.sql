-- Store live jobs of another store, unless their id is live; first come first served for a unique key.
-- in:  queue, has_key (whether they take their keys), and one array a column; lines is packed: the text form of bytea[]
-- out: raw of those stored

INSERT INTO jobs.job (
    queue, raw, state, score, run_score, task, arguments, options, priority, max_attempts, enqueued_ms, ready_ms,
    unique_key, has_key, unique_kind, unique_until_ms, gate, gate_packed, held_at, attempts, forgiven, losses, reason,
    result, error, lines, crashes, has_note
)
SELECT %(queue)s, new.raw, new.state, new.score, new.run_score, new.task, new.arguments, new.options, new.priority,
       new.max_attempts, new.enqueued_ms, new.ready_ms, new.unique_key, %(has_key)s, new.unique_kind,
       new.unique_until_ms, new.gate, new.gate_packed, new.held_at, new.attempts, new.forgiven, new.losses, new.reason,
       new.result, new.error, new.lines::bytea[], new.crashes, new.has_note
FROM unnest(
         %(raw)s::bytea[], %(state)s::smallint[], %(score)s::bigint[], %(run_score)s::bigint[], %(task)s::text[],
         %(arguments)s::bytea[], %(options)s::bytea[], %(priority)s::smallint[], %(max_attempts)s::int[],
         %(enqueued_ms)s::bigint[], %(ready_ms)s::bigint[], %(unique_key)s::text[], %(unique_kind)s::smallint[],
         %(unique_until_ms)s::bigint[], %(gate)s::text[], %(gate_packed)s::bytea[], %(held_at)s::text[],
         %(attempts)s::int[], %(forgiven)s::int[], %(losses)s::int[], %(reason)s::text[], %(result)s::bytea[],
         %(error)s::bytea[], %(lines)s::text[], %(crashes)s::int[], %(has_note)s::boolean[]
     ) WITH ORDINALITY
       AS new (raw, state, score, run_score, task, arguments, options, priority, max_attempts, enqueued_ms, ready_ms,
               unique_key, unique_kind, unique_until_ms, gate, gate_packed, held_at, attempts, forgiven, losses, reason,
               result, error, lines, crashes, has_note, place)
ORDER BY new.unique_key, new.place
ON CONFLICT DO NOTHING
RETURNING raw;
