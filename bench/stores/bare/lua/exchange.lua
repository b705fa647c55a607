-- Settle what was held, claim the next.
-- keys: ready lease done job
-- in: how many to claim, lease ms, then the ids that were held
-- out: the ids claimed, their bodies

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = #ARGV - 2
if held > 0 then
  if redis.call('ZREM', KEYS[2], unpack(ARGV, 3)) ~= held then
    return redis.error_reply('a lease was lost')
  end
  local done, stamp = {}, string.format('%.0f', now)
  for index = 1, held do
    done[2 * index - 1], done[2 * index] = stamp, ARGV[index + 2]
  end
  redis.call('ZADD', KEYS[3], unpack(done))
end
local popped = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
if #popped == 0 then
  return { {}, {} }
end
local ids, leases, lease_until = {}, {}, string.format('%.0f', now + ARGV[2])
for index = 1, #popped, 2 do
  ids[(index + 1) / 2] = popped[index]
  leases[index], leases[index + 1] = lease_until, popped[index]
end
redis.call('ZADD', KEYS[2], unpack(leases))
return { ids, redis.call('HMGET', KEYS[4], unpack(ids)) }
