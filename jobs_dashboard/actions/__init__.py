"""Writes of people and programs: allowed, audited first, done by the store, and told back as values."""
