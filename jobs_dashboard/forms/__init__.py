"""Reads what a browser sends, and says what is wrong with it."""
