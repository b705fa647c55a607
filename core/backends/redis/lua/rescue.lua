-- Find claims whose lease ran out, and keep watch over clock jumps.
-- keys: meta job live lease notes
-- uses: base live notes
-- in: now, limit, lease ms
-- out: 1 when the clock jumped, claims (lib/claims.lua), checkpoints of those that may have notes

-- Let every lease that ends within a range end at one time instead.
local function clamp(first, last, at)
  local clamped = {}
  for _, raw in ipairs(call('ZRANGEBYSCORE', K.lease, first, last)) do
    push(clamped, exact(at), raw)
  end
  send('ZADD', K.lease, clamped)
end

local now, limit, lease_ms = now_ms(), tonumber(ARGV[2]), tonumber(ARGV[3])
local last, quarantine = unpack(call('HMGET', K.meta, 'rescued', 'quarantine'))
local jumped, until_then = false, tonumber(quarantine or 0)
if last then
  jumped = now < tonumber(last) or now - last > math.floor(lease_ms / 2)
else
  jumped = call('ZCARD', K.lease) > 0
end
if jumped then
  until_then = now + lease_ms
  clamp('-inf', '(' .. exact(now), now)
  clamp('(' .. exact(until_then), '+inf', until_then)
end
call('HSET', K.meta, 'rescued', exact(now), 'quarantine', exact(until_then))
local claims = {}
if now >= until_then and limit > 0 then
  local raws = call('ZRANGEBYSCORE', K.lease, '-inf', exact(now), 'LIMIT', 0, limit)
  local lives, records = ask('HMGET', K.live, raws), ask('HMGET', K.job, raws)
  for index, raw in ipairs(raws) do
    if lives[index] and records[index] then
      push(claims, raw, records[index])
      push(claims, lives[index])
    end
  end
end
return { jumped and 1 or 0, claims, checkpoints_of(claims) }
