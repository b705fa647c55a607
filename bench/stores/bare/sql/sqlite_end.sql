-- Keep a job's result.
-- in:  job, result

INSERT INTO ending (job, result) VALUES (?, ?);
