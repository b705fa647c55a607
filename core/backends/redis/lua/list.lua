-- Put a queue on the list; also where a plain command would be refused because memory is full.
-- keys: queues
-- uses: base
-- in: now, queue
-- out: 1 when it was not on the list

return call('SADD', K.queues, ARGV[2])
