-- The gates of a kind at which somebody waits, by name.
-- in:  queue, first name, the name behind the last, limit
-- out: name

SELECT name FROM gate WHERE queue = ? AND name >= ? AND name < ? AND waiting > 0 ORDER BY name LIMIT ?;
