-- Delete finished jobs that retention no longer keeps.
-- keys: job live end notes done cancelled dead
-- uses: base leave
-- in: now, limit, then for completed, cancelled and dead: how many are kept (0: all), for how many milliseconds
-- out: how many were deleted

local now, left, gone = now_ms(), tonumber(ARGV[2]), 0
for index, key in ipairs({ K.done, K.cancelled, K.dead }) do
  local keep, age = tonumber(ARGV[1 + 2 * index]), tonumber(ARGV[2 + 2 * index])
  local surplus = keep > 0 and math.min(call('ZCARD', key) - keep, left - gone) or 0
  if surplus > 0 then
    gone = gone + pop_oldest(key, surplus, true)
  end
  if gone < left then
    local old = call('ZRANGEBYSCORE', key, '-inf', '(' .. exact(now - age), 'LIMIT', 0, left - gone)
    send('ZREM', key, old)
    erase(old, true)
    gone = gone + #old
  end
end
return gone
