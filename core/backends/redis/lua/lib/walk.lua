-- A walk along one state of a queue, from a place that need not exist any more. needs: base record

-- How many members stand before (score, raw), and whether one stands there.
local function rank_of_place(key, score, raw)
  local low, high = call('ZCOUNT', key, '-inf', '(' .. score), call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local member = call('ZRANGE', key, middle, middle)[1]
    if is_before(member, raw) then
      low = middle + 1
    elseif member == raw then
      return middle, true
    else
      high = middle
    end
  end
  return low, false
end

-- The next so many behind a place ('' for the end of the state), upwards or downwards: raws, and their scores.
local function walk(key, goes_up, score, raw, count)
  local first = 0
  if score ~= '' then
    local rank, exists = rank_of_place(key, score, raw)
    first = goes_up and (exists and rank + 1 or rank) or call('ZCARD', key) - rank
  end
  local found = call(goes_up and 'ZRANGE' or 'ZREVRANGE', key, first, first + count - 1, 'WITHSCORES')
  local raws, scores = {}, {}
  for index = 1, #found, 2 do
    push(raws, found[index])
    push(scores, found[index + 1])
  end
  return raws, scores
end

-- Whether a job's task is the wanted one: '' any, with a star at its end a prefix.
local function has_task(record, pattern)
  if pattern == '' then
    return true
  end
  local task = task_of(record)
  if string.sub(pattern, -1) == '*' then
    return string.sub(task, 1, #pattern - 1) == string.sub(pattern, 1, -2)
  end
  return task == pattern
end

-- Whether its options or its arguments contain these bytes; what straddles both is in neither.
local function contains(record, bytes)
  local options, arguments = payload_of(record)
  local from, to = string.find(record, bytes, options, true)
  if from and from < arguments and to >= arguments then
    from = string.find(record, bytes, arguments, true)
  end
  return from ~= nil
end
