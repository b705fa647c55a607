-- Whether there is a schema of that name, and a store in it. Asked of the tables of the catalogue: to_regclass answers
-- from a cache that does not hear of what another transaction did while this one waited for its lock.
-- in:  schema
-- out: two booleans

SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %(schema)s),
       EXISTS (
           SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
           WHERE nspname = %(schema)s AND relname = 'store'
       );
