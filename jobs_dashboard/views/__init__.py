"""Pages: each view finds, acts, renders."""
