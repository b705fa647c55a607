"""Promises under faults: processes killed and stopped, stores taken away, handlers that do not stop."""
