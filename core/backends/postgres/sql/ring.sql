-- Tell those who listen that queues have something; delivered with the commit.
-- in:  channel, names (array)

SELECT pg_notify(%(channel)s, name) FROM unnest(%(names)s::text[]) AS rung (name);
