-- Every queue.
-- out: name, id

SELECT name, id FROM queue ORDER BY name;
