-- Which of the jobs just offered were stored.
-- in:  the highest row number before
-- out: id

SELECT id FROM job WHERE id > ?;
