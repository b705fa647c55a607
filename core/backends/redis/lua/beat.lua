-- Say that a worker lives.
-- keys: workers beats orders
-- uses: base
-- in: now, worker, what it says of itself
-- out: its orders, nil when there are none

call('HSET', K.workers, ARGV[2], ARGV[3])
call('ZADD', K.beats, exact(now_ms()), ARGV[2])
return call('HGET', K.orders, ARGV[2])
