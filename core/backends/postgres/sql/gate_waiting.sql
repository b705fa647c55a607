-- At which of some gates somebody waits.
-- in:  queue, name (array)
-- out: name

SELECT name
FROM unnest(%(name)s::text[]) AS asked (name)
WHERE EXISTS (SELECT FROM jobs.job WHERE job.queue = %(queue)s AND job.state = 2 AND job.held_at = asked.name);
