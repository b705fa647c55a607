-- Take the locks of some gates, in the one order that all keep, waiting for those that are another's. Whoever holds one
-- waits for no job any more: rows of jobs come before gates.
-- in:  slots (array)
-- out: slot

SELECT slot FROM jobs.gate_lock WHERE slot = ANY (%(slots)s::int[]) ORDER BY slot FOR UPDATE;
