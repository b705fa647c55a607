-- What can be read of a job's record without decoding it. See codec.py for its two layouts.

local ORDINARY = 1 -- the layout of a job that has no gate, and holds its unique key until it is finished
local UNTIL_FINISHED, WHILE_PENDING, FOR_A_TIME = 0, 1, 2 -- how long a unique key is held
local WITHOUT_GATE = 7 -- bytes of the extras of a job that has none

local function enqueued_of(record)
  return (struct.unpack('>I6', record))
end

-- 0 for the highest priority, 200 for the lowest.
local function rank_of(record)
  return string.byte(record, 8)
end

-- Where its task begins.
local function body_of(record)
  if string.byte(record, 7) == ORDINARY then
    return 17
  end
  return 19 + (struct.unpack('>H', record, 17))
end

local function task_of(record)
  local at = body_of(record)
  return string.sub(record, at, at + string.byte(record, 11) - 1)
end

-- The unique key, or nil.
local function key_of(record)
  local task, high, low = string.byte(record, 11, 13)
  local length = high * 256 + low
  if length > 0 then
    local at = body_of(record) + task
    return string.sub(record, at, at + length - 1)
  end
end

-- How long it holds its unique key; for one that is held for a time, how many milliseconds.
local function unique_of(record)
  if string.byte(record, 7) == ORDINARY then
    return UNTIL_FINISHED, 0
  end
  return struct.unpack('>BI6', record, 19)
end

-- Its gate with the numbers that it brings, or nil.
local function gate_of(record)
  if string.byte(record, 7) == ORDINARY then
    return nil
  end
  local size = struct.unpack('>H', record, 17)
  if size == WITHOUT_GATE then
    return nil
  end
  local limit, interval, burst, at = struct.unpack('>I8I8I8', record, 26)
  return { name = string.sub(record, at, 18 + size), limit = limit, interval = interval, burst = burst }
end

-- Where its options begin, and where its arguments do.
local function payload_of(record)
  local task, key_high, key_low, high, middle, low = string.byte(record, 11, 16)
  local options = body_of(record) + task + key_high * 256 + key_low
  return options, options + (high * 256 + middle) * 256 + low
end
