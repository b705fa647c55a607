-- Store jobs of one queue, unless their id or unique key is live. Followed by job_add_check in the same transaction.
-- In the order of keys, so that two who offer the same keys wait for each other one way only.
-- in:  queue, now, and one array a column; each raw once
-- out: raw, state of those stored

INSERT INTO jobs.job (
    queue, raw, state, score, task, arguments, options, priority, max_attempts, enqueued_ms, ready_ms, unique_key
)
SELECT %(queue)s, new.raw,
       CASE WHEN due.ms > %(now)s THEN 1 ELSE 0 END,
       CASE WHEN due.ms > %(now)s THEN due.ms ELSE (100 - new.priority) * 17592186044416 + %(now)s END,
       new.task, new.arguments, new.options, new.priority, new.max_attempts, %(now)s,
       CASE WHEN due.ms > %(now)s THEN 0 ELSE %(now)s END,
       new.unique_key
FROM unnest(
         %(raw)s::bytea[], %(task)s::text[], %(arguments)s::bytea[], %(options)s::bytea[], %(priority)s::smallint[],
         %(max_attempts)s::int[], %(delay_ms)s::bigint[], %(run_at_ms)s::bigint[], %(unique_key)s::text[]
     ) WITH ORDINALITY
       AS new (raw, task, arguments, options, priority, max_attempts, delay_ms, run_at_ms, unique_key, place),
     LATERAL (SELECT CASE WHEN new.run_at_ms > 0 THEN new.run_at_ms ELSE %(now)s + new.delay_ms END AS ms) AS due
ORDER BY new.unique_key, new.place
ON CONFLICT DO NOTHING
RETURNING raw, state;
