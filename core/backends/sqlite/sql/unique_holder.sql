-- The live job that holds a unique key. The two bounds are those of the partial index.
-- in:  queue, unique_key
-- out: raw, or nothing

SELECT raw FROM job WHERE queue = ? AND unique_key = ? AND unique_key <> '' AND state < 5;
