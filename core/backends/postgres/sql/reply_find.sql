-- What a worker was answered last; locked, so that the same call sent twice at once is answered one after the other.
-- in:  worker, queue
-- out: call, refused, tokens; or nothing

SELECT call, refused, tokens FROM jobs.reply WHERE worker = %(worker)s AND queue = %(queue)s FOR UPDATE;
