-- One queue in numbers.
-- keys: meta ready sched held lease retry dead done cancelled failures completed awaited
-- uses: base
-- reads only
-- in: now, most tasks to tell that somebody waits for
-- out: eight counts in the order of STATES, score of the first pending job or '', processed, failures, when last,
--      reason of a pause or nil, since when, newest position of the failures and of the completed or '',
--      tasks that somebody waits for

local sizes = {}
for index, name in ipairs(STATES) do
  sizes[index] = call('ZCARD', K[name])
end
local head = call('ZRANGE', K.ready, 0, 0, 'WITHSCORES')
local meta = call('HMGET', K.meta, 'processed', 'failed', 'processed_ms', 'paused', 'paused_ms',
  'at_failures', 'at_completed')
local function newest(key, position)
  return position and call('XLEN', key) > 0 and position or ''
end
return {
  sizes, head[2] or '', meta[1] or '0', meta[2] or '0', meta[3] or '0', meta[4], meta[5] or '0',
  newest(K.failures, meta[6]), newest(K.completed, meta[7]),
  sizes[HELD] > 0 and call('ZRANGE', K.awaited, 0, tonumber(ARGV[2]) - 1) or {},
}
