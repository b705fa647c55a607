-- How jobs go. needs: base

-- Forget jobs that are out of their sorted set. noted: whether any job of the queue may have notes.
local function erase(raws, noted)
  send('HDEL', K.job, raws)
  send('HDEL', K.live, raws)
  send('HDEL', K['end'], raws)
  if noted then
    send('HDEL', K.notes, raws)
  end
end

-- Delete the jobs of a final state that finished longest ago; answers how many.
local function pop_oldest(key, count, noted)
  local popped = call('ZPOPMIN', key, count)
  local raws = {}
  for index = 1, #popped, 2 do
    push(raws, popped[index])
  end
  erase(raws, noted)
  return #raws
end
