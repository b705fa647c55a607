-- The highest row number in use; the next jobs are numbered from there.
-- out: id

SELECT coalesce(max(id), 0) FROM job;
