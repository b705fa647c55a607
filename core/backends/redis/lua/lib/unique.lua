-- Who has which unique key. needs: base record
-- A field of `unique` is the raw id of its job; of a key that is held for a time, behind it the end of that time (6).

-- The raw id that a field stands for, nil when its time is over.
local function holder_of(held, now)
  if held and (#held == 14 or struct.unpack('>I6', held, 15) > now) then
    return string.sub(held, 1, 14)
  end
end

-- Which raw id holds each of these unique keys.
local function holders_of(keys, now)
  local holders = {}
  for index, held in ipairs(ask('HMGET', K.unique, keys)) do
    holders[keys[index]] = holder_of(held, now)
  end
  return holders
end

-- Keys with who has them, to be written at once.
local function new_keys()
  return { fields = {}, ends = {} }
end

-- ends_at: nil for a key that is held until its job is finished, or claimed.
local function add_key(keys, key, raw, ends_at)
  push(keys.fields, key, ends_at and raw .. struct.pack('>I6', ends_at) or raw)
  if ends_at then
    push(keys.ends, exact(ends_at), key)
  end
end

local function write_keys(keys)
  send('HSET', K.unique, keys.fields)
  send('ZADD', K.uniqueends, keys.ends)
end

-- Give back the unique keys of these jobs, as far as they hold them, but for those that are held for a time.
-- records: their records, false where missing.
local function release_keys(raws, records)
  local keys, owners = {}, {}
  for index, raw in ipairs(raws) do
    local key = records[index] and key_of(records[index])
    if key then
      push(keys, key)
      owners[#keys] = raw
    end
  end
  local freed = {}
  for index, held in ipairs(ask('HMGET', K.unique, keys)) do
    if held == owners[index] then
      push(freed, keys[index])
    end
  end
  send('HDEL', K.unique, freed)
end

-- Forget keys whose time was listed as over, unless somebody else has them meanwhile.
local function drop_over(keys, now)
  local over = {}
  for index, held in ipairs(ask('HMGET', K.unique, keys)) do
    if held and not holder_of(held, now) then
      push(over, keys[index])
    end
  end
  send('HDEL', K.unique, over)
  send('ZREM', K.uniqueends, keys)
end
