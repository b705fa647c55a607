-- How jobs go. needs: base

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
