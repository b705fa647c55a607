-- Cut journals, minutes, remembered replies, unique keys and gates to what is kept; a bounded part of them a call.
-- keys: meta job minutes minuteindex failures completed replies schedules unique uniqueends gates openings awaited
--       notes
-- uses: base record unique posts
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

-- A walk through a hash, a step a call; where it stands is kept in `meta`. Answers fields and values.
local function stroll(key, bookmark)
  local step = call('HSCAN', key, call('HGET', K.meta, bookmark) or '0', 'COUNT', 100)
  if step[1] ~= '0' then
    call('HSET', K.meta, bookmark, step[1])
  else
    call('HDEL', K.meta, bookmark)
  end
  return step[2]
end

local stale, replies = {}, stroll(K.replies, 'replies_at')
for index = 1, #replies, 2 do
  if struct.unpack('>I8', replies[index + 1]) <= now - tonumber(ARGV[5]) then
    push(stale, replies[index])
  end
end
send('HDEL', K.replies, stale)

-- Gates are forgotten where they are written once nobody is there, but for those whose rate had still to rest.
local names, gates, posts = {}, stroll(K.gates, 'gates_at'), make_posts()
for index = 1, #gates, 2 do
  push(names, gates[index])
end
posts.load(names)
for _, name in ipairs(names) do
  local post = posts.of(name)
  post.changed = post.used == 0 and post.waiting == 0
end
posts.write()

if call('EXISTS', K.notes) == 0 then
  call('HDEL', K.meta, 'noted')
end

drop_over(call('ZRANGEBYSCORE', K.uniqueends, '-inf', exact(now), 'LIMIT', 0, 500), now)

local paused, processed, token = unpack(call('HMGET', K.meta, 'paused', 'processed', 'token'))
local holds = paused or processed or token or call('EXISTS', K.job) == 1 or call('EXISTS', K.schedules) == 1
return holds and 1 or 0
