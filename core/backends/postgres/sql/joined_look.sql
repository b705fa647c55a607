-- What a connection of a caller's is connected to, and what its user may do there: from the catalogue alone, so that
-- asking cannot spoil the caller's transaction. The server's start tells it from every other server and every copy.
-- in:  schema
-- out: the server's start (microseconds since 1970), the database's oid, whether the store's tables are there, whether
--      this user may enqueue

SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
       (SELECT oid::bigint FROM pg_database WHERE datname = current_database()),
       bool_and(pg_class.oid IS NOT NULL),
       coalesce(
           bool_and(has_schema_privilege(pg_namespace.oid, 'USAGE') AND has_table_privilege(pg_class.oid, wanted.right)),
           false
       )
FROM (VALUES ('queue', 'SELECT'), ('finished', 'SELECT'),
             ('job', 'SELECT'), ('job', 'INSERT'), ('job', 'UPDATE'), ('job', 'DELETE'),
             ('timed_key', 'SELECT'), ('timed_key', 'INSERT'), ('timed_key', 'UPDATE'),
             ('counter', 'SELECT'), ('counter', 'INSERT'), ('counter', 'UPDATE')) AS wanted ("table", "right")
LEFT JOIN pg_namespace ON nspname = %(schema)s
LEFT JOIN pg_class ON relnamespace = pg_namespace.oid AND relname = wanted."table";
