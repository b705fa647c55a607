-- What a worker was answered last.
-- in:  worker, queue
-- out: call, refused, first_token, last_token; or nothing

SELECT call, refused, first_token, last_token FROM reply WHERE worker = ? AND queue = ?;
