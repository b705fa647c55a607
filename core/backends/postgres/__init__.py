"""The store in PostgreSQL: a hot table of live jobs, finished ones in day partitions; shared by many machines."""
