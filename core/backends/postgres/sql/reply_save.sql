-- Remember what a worker is answered, unless the same call, sent twice at once, was answered meanwhile.
-- in:  worker, queue, call, refused, tokens, now
-- out: one row when it was remembered, else nothing

INSERT INTO jobs.reply (worker, queue, call, refused, tokens, at_ms)
VALUES (%(worker)s, %(queue)s, %(call)s, %(refused)s, %(tokens)s, %(now)s)
ON CONFLICT (worker, queue) DO UPDATE
SET call = excluded.call, refused = excluded.refused, tokens = excluded.tokens, at_ms = excluded.at_ms
WHERE reply.call < excluded.call
RETURNING true;
