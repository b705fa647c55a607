-- What every script stands on: time, exact numbers, and calls over lists of any length.

local call = redis.call
local RANK = 17592186044416 -- 2^44: one step of priority in the score of `ready`
local STATES = { 'ready', 'sched', 'held', 'lease', 'retry', 'dead', 'done', 'cancelled' }
local READY, SCHED, HELD, LEASE, RETRY, DEAD, DONE, CANCELLED = 1, 2, 3, 4, 5, 6, 7, 8
local SPAN = 4000 -- unpack() of much more than this overflows Lua's stack

local clock = tonumber(ARGV[1]) -- empty, or the time of a store that was opened with a clock

-- The same throughout a call.
local function now_ms()
  if not clock then
    local time = call('TIME')
    clock = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return clock
end

-- Lua prints 14 digits by itself, which is fewer than a score has.
local function exact(number)
  return string.format('%.0f', number)
end

-- A command over many values whose reply is a list with one element a value.
local function ask(command, key, values)
  if #values == 0 then
    return {}
  end
  if #values <= SPAN then
    return call(command, key, unpack(values))
  end
  local replies = {}
  for first = 1, #values, SPAN do
    for _, reply in ipairs(call(command, key, unpack(values, first, math.min(first + SPAN - 1, #values)))) do
      replies[#replies + 1] = reply
    end
  end
  return replies
end

-- A command over many values whose reply does not matter.
local function send(command, key, values)
  for first = 1, #values, SPAN do
    call(command, key, unpack(values, first, math.min(first + SPAN - 1, #values)))
  end
end

local function push(list, first, second)
  list[#list + 1] = first
  if second ~= nil then
    list[#list + 1] = second
  end
end

-- ARGV from one index to another, as a list.
local function arguments(first, last)
  local values = {}
  for index = first, last do
    values[#values + 1] = ARGV[index]
  end
  return values
end

-- Whether bytes sort before others, as members of a sorted set do; `<` would follow the server's locale.
local function is_before(left, right)
  for index = 1, math.min(#left, #right) do
    local a, b = string.byte(left, index), string.byte(right, index)
    if a ~= b then
      return a < b
    end
  end
  return #left < #right
end
