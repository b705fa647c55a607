-- Leave orders for a worker.
-- keys: beats orders
-- uses: base
-- in: now, worker, orders
-- out: 1, or 0 when no such worker is known

if not call('ZSCORE', K.beats, ARGV[2]) then
  return 0
end
call('HSET', K.orders, ARGV[2], ARGV[3])
return 1
