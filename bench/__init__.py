"""Benchmarks: programs that print tables, not timed tests."""
