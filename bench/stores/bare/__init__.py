"""The rivals: one file for each store that has one, with their statements and scripts beside them."""
