-- Which of some finished jobs contain every one of some byte strings, in their arguments or options.
-- in:  queues (ids), raw and score (finish time) (arrays), needles (array)
-- out: place among those asked for, from 1 on

SELECT wanted.place
FROM unnest(%(queues)s::int[], %(raw)s::bytea[], %(score)s::bigint[]) WITH ORDINALITY
       AS wanted (queue, raw, finished_ms, place)
JOIN jobs.finished ON finished.queue = wanted.queue AND finished.raw = wanted.raw
                  AND finished.finished_ms = wanted.finished_ms
WHERE NOT EXISTS (
    SELECT
    FROM unnest(%(needles)s::bytea[]) AS asked (needle)
    WHERE position(needle IN finished.arguments) = 0 AND position(needle IN finished.options) = 0
);
