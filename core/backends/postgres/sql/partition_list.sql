-- The days that have a partition.
-- out: name of the partition's table

SELECT relname
FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'jobs.finished'::regclass
ORDER BY relname;
