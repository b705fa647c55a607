-- Keep what an attempt left behind; what it left out stays as the attempt before it had it.
-- in:  job, result, error, line (empty: none)

INSERT INTO ending (job, result, error, line) VALUES (?, ?, ?, ?)
ON CONFLICT (job) DO UPDATE SET
    result  = coalesce(excluded.result, result),
    error   = coalesce(excluded.error, error),
    earlier = CASE WHEN excluded.line = x'' THEN earlier ELSE with_line(earlier, line) END,
    line    = CASE WHEN excluded.line = x'' THEN line ELSE excluded.line END;
