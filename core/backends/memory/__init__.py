"""The store in memory: one process, nothing durable; the reference that the others are held to."""
