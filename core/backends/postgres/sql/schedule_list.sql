-- Every schedule, by key.
-- out: name of the queue, key, spec, enabled, version, last_fire_ms, last_job

SELECT queue.name, key, spec, enabled, version, last_fire_ms, last_job
FROM jobs.schedule JOIN jobs.queue ON queue.id = schedule.queue
ORDER BY key, queue.name;
