"""What the SQL stores share: the row codec, the walk behind a page, and the files their statements live in."""
