-- How many finished jobs a queue holds; asked after trim_begin, so that what the last one deleted is seen.
-- in:  queue
-- out: completed, dead, cancelled

SELECT coalesce(sum(completed), 0)::bigint, coalesce(sum(dead), 0)::bigint, coalesce(sum(cancelled), 0)::bigint
FROM jobs.counter
WHERE queue = %(queue)s AND slot >= 0;
