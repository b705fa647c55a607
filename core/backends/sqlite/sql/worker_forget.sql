-- Strike a worker from the register.
-- in:  id

DELETE FROM worker WHERE id = ?;
