-- Store jobs.
-- keys: ready job
-- in: score, then id and body of each

redis.call('HSET', KEYS[2], unpack(ARGV, 2))
local places = {}
for index = 2, #ARGV, 2 do
  places[index - 1], places[index] = ARGV[1], ARGV[index]
end
return redis.call('ZADD', KEYS[1], unpack(places))
