-- Drop a day; everybody who reads or writes finished jobs has to let it through, so it gives up soon.
-- in:  {suffix} (in the text)

DROP TABLE IF EXISTS jobs.finished_{suffix};
