-- Note how gates stand after what this transaction did there.
-- in:  queue, and arrays of name, packed, paid_until_us, has_room (who waits there needs nothing but time), opens_ms,
--      task ('': none) and is_used (somebody passed or came; the others are noted only if somebody waits)

INSERT INTO jobs.gate AS held (queue, name, packed, paid_until_us, waits, opens_ms, awaited)
SELECT %(queue)s, new.name, new.packed, new.paid_until_us, line.waits,
       CASE WHEN line.waits AND new.has_room THEN new.opens_ms END,
       CASE WHEN line.waits THEN nullif(new.task, '') END
FROM unnest(%(name)s::text[], %(packed)s::bytea[], %(paid_until_us)s::bigint[], %(has_room)s::boolean[],
            %(opens_ms)s::bigint[], %(task)s::text[], %(is_used)s::boolean[])
       AS new (name, packed, paid_until_us, has_room, opens_ms, task, is_used)
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM jobs.job WHERE job.queue = %(queue)s AND job.state = 2 AND job.held_at = new.name
    ) AS waits
) AS line
WHERE new.is_used OR line.waits
ORDER BY new.name
ON CONFLICT (queue, name) DO UPDATE
SET packed = excluded.packed, paid_until_us = excluded.paid_until_us, waits = excluded.waits,
    opens_ms = excluded.opens_ms, awaited = excluded.awaited
WHERE (held.packed, held.paid_until_us, held.waits, held.opens_ms, held.awaited)
      IS DISTINCT FROM
      (excluded.packed, excluded.paid_until_us, excluded.waits, excluded.opens_ms, excluded.awaited);
