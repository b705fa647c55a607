-- Whether there is a schema of that name, and a store in it.
-- in:  schema
-- out: two booleans

SELECT to_regnamespace(%(schema)s) IS NOT NULL, to_regclass(%(schema)s || '.store') IS NOT NULL;
