-- Every queue.
-- out: name, id

SELECT name, id FROM jobs.queue ORDER BY name;
