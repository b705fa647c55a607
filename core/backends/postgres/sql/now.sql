-- The store's time, asked once a transaction and handed to its other statements (now() would be its start, which
-- may lie before a wait for a lock).
-- out: UTC milliseconds

SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;
