-- Every schedule, by key.
-- out: queue name, key, spec, enabled, version, last_fire_ms, last_job

SELECT queue.name, key, spec, enabled, version, last_fire_ms, last_job
FROM schedule JOIN queue ON queue.id = schedule.queue
ORDER BY key, queue.name;
