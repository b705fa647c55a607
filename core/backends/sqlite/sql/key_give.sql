-- Give a unique key to a job; nobody has it, or its time is over.
-- in:  queue, key, raw, until_ms (0: as long as the job's state says)

INSERT OR REPLACE INTO key_holder (queue, key, raw, until_ms) VALUES (?, ?, ?, ?);
