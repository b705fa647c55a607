-- Store what a job came with: all there is to most of them.
-- in:  job, arguments, options

INSERT INTO body (job, arguments, options) VALUES (?, ?, ?);
