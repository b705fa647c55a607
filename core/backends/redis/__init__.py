"""The store in Redis: one sorted set a state, one script a verb, everything of a queue in one slot."""
