-- Take what connections counted in slots of their own, but for those whose transaction is open; the caller adds it to
-- a shared slot. Enqueues alone count there, so the other columns are 0.
-- in:  queue, limit
-- out: rows taken, pending, scheduled, held

WITH own AS MATERIALIZED (
    SELECT slot
    FROM jobs.counter
    WHERE queue = %(queue)s AND slot < 0
    ORDER BY slot
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
),
taken AS (
    DELETE FROM jobs.counter
    USING own
    WHERE counter.queue = %(queue)s AND counter.slot = own.slot
    RETURNING counter.pending, counter.scheduled, counter.held
)
SELECT count(*), coalesce(sum(pending), 0)::bigint, coalesce(sum(scheduled), 0)::bigint,
       coalesce(sum(held), 0)::bigint
FROM taken;
