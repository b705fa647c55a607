-- Remember what a worker is answered.
-- in:  worker, queue, call, refused, tokens, now

INSERT INTO jobs.reply (worker, queue, call, refused, tokens, at_ms)
VALUES (%(worker)s, %(queue)s, %(call)s, %(refused)s, %(tokens)s, %(now)s)
ON CONFLICT (worker, queue) DO UPDATE
SET call = excluded.call, refused = excluded.refused, tokens = excluded.tokens, at_ms = excluded.at_ms;
