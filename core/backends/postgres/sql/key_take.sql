-- Give keys for a time, unless somebody has them.
-- in:  queue, now, and arrays of unique_key, raw and until_ms

INSERT INTO jobs.timed_key AS held (queue, unique_key, raw, until_ms)
SELECT %(queue)s, new.unique_key, new.raw, new.until_ms
FROM unnest(%(unique_key)s::text[], %(raw)s::bytea[], %(until_ms)s::bigint[]) AS new (unique_key, raw, until_ms)
ORDER BY new.unique_key
ON CONFLICT (queue, unique_key) DO UPDATE SET raw = excluded.raw, until_ms = excluded.until_ms
WHERE held.until_ms <= %(now)s;
