-- Forget the answers to one worker.
-- in:  worker

DELETE FROM reply WHERE worker = ?;
