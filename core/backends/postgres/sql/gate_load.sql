-- How gates stand; asked once their locks are held, in a statement of its own, so that what their last holders did is
-- seen. A slot is counted where it is: in the rows of those who passed.
-- in:  queue, name (array)
-- out: name, packed, paid_until_us, waits (the last three NULL: nobody came yet), used

SELECT asked.name, gate.packed, gate.paid_until_us, gate.waits,
       (SELECT count(*) FROM jobs.job WHERE job.queue = %(queue)s AND job.gate = asked.name AND has_passed)
FROM unnest(%(name)s::text[]) AS asked (name)
LEFT JOIN jobs.gate ON gate.queue = %(queue)s AND gate.name = asked.name;
