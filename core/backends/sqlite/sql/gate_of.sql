-- The gate that a job came with.
-- in:  job
-- out: gate, packed (NULL: none)

SELECT gate FROM body WHERE job = ?;
