-- Forget the answers to one worker.
-- in:  worker

DELETE FROM jobs.reply WHERE worker = %(worker)s;
