-- Store what a job came with.
-- in:  job, arguments, options

INSERT INTO body (job, arguments, options) VALUES (?, ?, ?);
