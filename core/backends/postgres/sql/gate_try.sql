-- Take the locks of some gates that nobody holds; for who holds others already and so may not wait.
-- in:  slots (array)
-- out: slot of each that was free

SELECT slot FROM jobs.gate_lock WHERE slot = ANY (%(slots)s::int[]) ORDER BY slot FOR UPDATE SKIP LOCKED;
