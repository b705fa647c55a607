-- Counters by minute: field `minute|task` of `minutes` is MessagePack of a map of sums. needs: base

-- Add sums to this minute. Each of ARGV from first to last is a task behind its length, then MessagePack of a map.
local function add_sums(first, last, now)
  local minute = exact(math.floor(now / 60000))
  local fields, added, sums, index = {}, {}, {}, {}
  for at = first, last do
    local task, body = struct.unpack('>Hc0', ARGV[at])
    push(fields, minute .. '|' .. task)
    push(added, cmsgpack.unpack(string.sub(ARGV[at], body)))
  end
  for at, held in ipairs(ask('HMGET', K.minutes, fields)) do
    if held then
      for name, sum in pairs(cmsgpack.unpack(held)) do
        added[at][name] = (added[at][name] or 0) + sum
      end
    else
      push(index, minute, fields[at])
    end
    push(sums, fields[at], cmsgpack.pack(added[at]))
  end
  send('HSET', K.minutes, sums)
  send('ZADD', K.minuteindex, index)
end
