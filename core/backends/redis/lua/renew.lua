-- Extend leases.
-- keys: live lease
-- uses: base live
-- in: now, lease ms, then claims: raw (14 bytes), token (8)
-- out: raws that are no longer held under their token

local lease_until, raws, tokens = exact(now_ms() + tonumber(ARGV[2])), {}, {}
for index = 3, #ARGV do
  local raw, token = struct.unpack('>c14I8', ARGV[index])
  push(raws, raw)
  push(tokens, token)
end
local leases, lost = {}, {}
for index, live in ipairs(ask('HMGET', K.live, raws)) do
  if live and tokens[index] > 0 and token_of(live) == tokens[index] then
    push(leases, lease_until, raws[index])
  else
    push(lost, raws[index])
  end
end
send('ZADD', K.lease, leases)
return lost
