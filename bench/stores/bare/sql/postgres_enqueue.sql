-- Store jobs.
-- in:  queue, score, raw and body (arrays)

INSERT INTO bare.job (queue, raw, score, body)
SELECT %(queue)s, raw, %(score)s, body
FROM unnest(%(raw)s::bytea[], %(body)s::bytea[]) AS new (raw, body)
ON CONFLICT DO NOTHING;
