-- Whether nothing is left of a day.
-- in:  {suffix} (in the text)
-- out: one boolean

SELECT NOT EXISTS (SELECT FROM jobs.finished_{suffix});
