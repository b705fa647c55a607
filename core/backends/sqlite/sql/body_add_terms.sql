-- Store what a job came with, a gate or a unique key of another kind among it.
-- in:  job, arguments, options, unique_for, unique_until_ms, gate

INSERT INTO body (job, arguments, options, unique_for, unique_until_ms, gate) VALUES (?, ?, ?, ?, ?, ?);
