-- Let the first of those who wait at some gates back into the line, where they stood. One that an operator is changing
-- is left to him: who changes a waiting job looks at its gate afterwards.
-- in:  queue, passed (whether they have passed the gate, if it is their own), and arrays of name and most
-- out: name, how many

WITH first AS MATERIALIZED (
    SELECT opened.name, line.raw
    FROM unnest(%(name)s::text[], %(most)s::bigint[]) AS opened (name, most)
    CROSS JOIN LATERAL (
        SELECT raw
        FROM jobs.job
        WHERE job.queue = %(queue)s AND job.state = 2 AND job.held_at = opened.name
        ORDER BY run_score, raw
        LIMIT opened.most
        FOR UPDATE SKIP LOCKED
    ) AS line
),
moved AS (
    UPDATE jobs.job
    SET state = 0, score = run_score, run_score = NULL, held_at = NULL,
        has_passed = %(passed)s AND coalesce(job.gate = first.name, false)
    FROM first
    WHERE job.queue = %(queue)s AND job.raw = first.raw
    RETURNING first.name
)
SELECT name, count(*) FROM moved GROUP BY name;
