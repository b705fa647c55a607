-- How jobs end and go. needs: base record

-- Give back the unique keys of these jobs, as far as they hold them. records: their records, false where missing.
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
  for index, holder in ipairs(ask('HMGET', K.unique, keys)) do
    if holder == owners[index] then
      push(freed, keys[index])
    end
  end
  send('HDEL', K.unique, freed)
end

-- Forget jobs that are out of their sorted set.
local function erase(raws)
  send('HDEL', K.job, raws)
  send('HDEL', K.live, raws)
  send('HDEL', K['end'], raws)
end

-- Delete the jobs of a final state that finished longest ago; answers how many.
local function pop_oldest(key, count)
  local popped = call('ZPOPMIN', key, count)
  local raws = {}
  for index = 1, #popped, 2 do
    push(raws, popped[index])
  end
  erase(raws)
  return #raws
end
