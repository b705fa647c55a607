-- Store jobs of one queue, unless their id or unique key is live. Followed by job_add_check in the same transaction.
-- In the order of keys, so that two who offer the same keys wait for each other one way only.
-- in:  queue, now, and one array a column; each raw once. The arrays from unique_kind on may be empty: no job of the
--      batch has any of that
-- out: raw, state of those stored

INSERT INTO jobs.job (
    queue, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms, ready_ms, unique_key,
    unique_kind, unique_until_ms, gate, gate_packed
)
SELECT %(queue)s, new.raw,
       CASE WHEN due.ms > %(now)s THEN 1 ELSE 0 END,
       CASE WHEN due.ms > %(now)s THEN due.ms ELSE (100 - new.priority) * 17592186044416 + %(now)s END,
       new.task, new.arguments, new.options, new.priority, new.max_attempts, %(now)s,
       CASE WHEN due.ms > %(now)s THEN 0 ELSE %(now)s END,
       new.unique_key, coalesce(new.unique_kind, 0),
       CASE WHEN new.unique_kind = 2 THEN %(now)s + new.unique_ms ELSE 0 END, new.gate, new.gate_packed
FROM unnest(
         %(raw)s::bytea[], %(task)s::text[], %(arguments)s::bytea[], %(options)s::bytea[], %(priority)s::smallint[],
         %(max_attempts)s::int[], %(delay_ms)s::bigint[], %(run_at_ms)s::bigint[], %(unique_key)s::text[],
         %(unique_kind)s::smallint[], %(unique_ms)s::bigint[], %(gate)s::text[], %(gate_packed)s::bytea[]
     ) WITH ORDINALITY
       AS new (raw, task, arguments, options, priority, max_attempts, delay_ms, run_at_ms, unique_key, unique_kind,
               unique_ms, gate, gate_packed, place),
     LATERAL (SELECT CASE WHEN new.run_at_ms > 0 THEN new.run_at_ms ELSE %(now)s + new.delay_ms END AS ms) AS due
ORDER BY new.unique_key, new.place
ON CONFLICT DO NOTHING
RETURNING raw, state;
