-- Cut journals, minutes and remembered replies to what is kept; a bounded part of them a call.
-- keys: meta job minutes minuteindex failures completed replies schedules
-- uses: base
-- in: now, entries kept of the failures, of the completed, milliseconds that minutes are kept, that replies are kept
-- out: 1 when the queue has held anything

local now = now_ms()
for index, key in ipairs({ K.failures, K.completed }) do
  local keep, length = tonumber(ARGV[1 + index]), call('XLEN', key)
  if length > keep then
    call('XTRIM', key, 'MAXLEN', math.max(keep, length - 1000))
  end
end

local oldest = exact(math.floor((now - tonumber(ARGV[4])) / 60000))
local old = call('ZRANGEBYSCORE', K.minuteindex, '-inf', '(' .. oldest, 'LIMIT', 0, 500)
send('HDEL', K.minutes, old)
send('ZREM', K.minuteindex, old)

-- A walk through all replies, a step a call; where it stands is kept in `meta`.
local step = call('HSCAN', K.replies, call('HGET', K.meta, 'replies_at') or '0', 'COUNT', 100)
local stale = {}
for index = 1, #step[2], 2 do
  if struct.unpack('>I8', step[2][index + 1]) <= now - tonumber(ARGV[5]) then
    push(stale, step[2][index])
  end
end
send('HDEL', K.replies, stale)
if step[1] ~= '0' then
  call('HSET', K.meta, 'replies_at', step[1])
else
  call('HDEL', K.meta, 'replies_at')
end

local paused, processed, token = unpack(call('HMGET', K.meta, 'paused', 'processed', 'token'))
local holds = paused or processed or token or call('EXISTS', K.job) == 1 or call('EXISTS', K.schedules) == 1
return holds and 1 or 0
