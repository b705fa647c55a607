-- Which of some live jobs contain every one of some byte strings, in their arguments or options.
-- in:  queues (ids) and raw (arrays), needles (array)
-- out: place among those asked for, from 1 on

SELECT wanted.place
FROM unnest(%(queues)s::int[], %(raw)s::bytea[]) WITH ORDINALITY AS wanted (queue, raw, place)
JOIN jobs.job ON job.queue = wanted.queue AND job.raw = wanted.raw
WHERE NOT EXISTS (
    SELECT
    FROM unnest(%(needles)s::bytea[]) AS asked (needle)
    WHERE position(needle IN job.arguments) = 0 AND position(needle IN job.options) = 0
);
