-- Store what the attempts of a job left behind in another store.
-- in:  job, result, error, line, earlier

INSERT INTO ending (job, result, error, line, earlier) VALUES (?, ?, ?, ?, ?);
