-- Give a job all its tries again. It stays a suspect if it was one.
-- in:  id

UPDATE job SET forgiven = attempts, crashes = 0, losses = min(losses, 1) WHERE id = ?;
