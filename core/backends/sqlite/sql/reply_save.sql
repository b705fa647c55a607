-- Remember what a worker is answered.
-- in:  worker, queue, call, refused, first_token, last_token, at_ms

INSERT OR REPLACE INTO reply (worker, queue, call, refused, first_token, last_token, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?);
