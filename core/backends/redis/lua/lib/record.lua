-- What can be read of a job's record without decoding it. See codec.py for its layout.

local function enqueued_of(record)
  return (struct.unpack('>I6', record))
end

-- 0 for the highest priority, 200 for the lowest.
local function rank_of(record)
  return string.byte(record, 8)
end

local function task_of(record)
  return string.sub(record, 17, 16 + string.byte(record, 11))
end

-- The unique key, or nil.
local function key_of(record)
  local task, high, low = string.byte(record, 11, 13)
  local length = high * 256 + low
  if length > 0 then
    return string.sub(record, 17 + task, 16 + task + length)
  end
end
