"""Reads: each module answers one page with frozen values that templates only have to show."""
