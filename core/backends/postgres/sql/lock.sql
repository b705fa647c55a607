-- Let one process at a time make or upgrade a store. The lock is the transaction's own, so it passes a pooler and
-- cannot be left behind.
-- in:  kind, schema

SELECT pg_advisory_xact_lock(%(kind)s, hashtext(%(schema)s));
