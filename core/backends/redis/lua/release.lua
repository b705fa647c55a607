-- Give claims back unstarted: pending at their old place, or cancelled when they were asked to stop.
-- keys: meta job live ready held lease cancelled unique asked wake gates waiting openings awaited
-- uses: base record live unique posts gates
-- in: now, reason of a run cancelled on its way, then claims: raw (14 bytes), token (8)
-- out: how many were given back

local now, raws, tokens, seen = now_ms(), {}, {}, {}
for index = 3, #ARGV do
  local raw, token = struct.unpack('>c14I8', ARGV[index])
  if token > 0 and not seen[raw] then
    seen[raw] = true
    push(raws, raw)
    push(tokens, token)
  end
end
local released, lives, ready, stopped, cancelled = {}, {}, {}, {}, {}
for index, packed in ipairs(ask('HMGET', K.live, raws)) do
  local live, raw = packed and read_live(packed), raws[index]
  if live and live.token == tokens[index] then
    if live.asked then
      live.reason = ARGV[2]
      push(stopped, raw)
      push(cancelled, exact(now), raw)
    else
      push(ready, exact(live.place), raw)
    end
    leave_gate(raw, live)
    live.attempts = live.attempts - 1
    unclaim(live)
    push(released, raw)
    push(lives, raw, pack_live(live))
  end
end
send('ZREM', K.lease, released)
send('HSET', K.live, lives)
send('ZADD', K.ready, ready)
send('ZADD', K.cancelled, cancelled)
send('HDEL', K.asked, stopped)
release_keys(stopped, ask('HMGET', K.job, stopped))
open_stirred()
write_gates()
if #ready > 0 then
  call('ZADD', K.wake, 0, '1')
end
return #released
