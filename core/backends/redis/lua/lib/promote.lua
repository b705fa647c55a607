-- How waiting jobs become pending when they are due. needs: base record

-- When the first job of a sorted set is due; nil when it is empty.
local function head_of(key)
  local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return head[2] and tonumber(head[2])
end

local function due_of(key, now, most)
  local found, due = call('ZRANGEBYSCORE', key, '-inf', exact(now), 'WITHSCORES', 'LIMIT', 0, most), {}
  for index = 1, #found, 2 do
    push(due, { raw = found[index], at = tonumber(found[index + 1]), from = key })
  end
  return due
end

local function promote(now, most)
  local due = due_of(K.sched, now, most)
  for _, job in ipairs(due_of(K.retry, now, most)) do
    push(due, job)
  end
  table.sort(due, function(a, b)
    return a.at < b.at or (a.at == b.at and is_before(a.raw, b.raw))
  end)
  local raws, ready, gone = {}, {}, { [K.sched] = {}, [K.retry] = {} }
  for index = 1, math.min(most, #due) do
    push(raws, due[index].raw)
    push(gone[due[index].from], due[index].raw)
  end
  for index, record in ipairs(ask('HMGET', K.job, raws)) do
    if record then
      push(ready, exact(rank_of(record) * RANK + due[index].at), raws[index])
    end
  end
  for key, list in pairs(gone) do
    send('ZREM', key, list)
  end
  send('ZADD', K.ready, ready)
end

-- The sooner of two times, 0 being none.
local function sooner(one, other)
  return (one > 0 and (other == 0 or one < other)) and one or other
end

-- When the next job is due; 0 when nothing waits.
local function next_due_of()
  return sooner(head_of(K.sched) or 0, head_of(K.retry) or 0)
end

-- Promote what is due; answers when the next is, 0 when nothing waits.
local function promote_due(now, most)
  local next_due = next_due_of()
  if next_due > 0 and next_due <= now then
    promote(now, most)
    next_due = next_due_of()
  end
  return next_due
end
