-- How jobs come in. needs: base record unique
-- An item is raw (14 bytes), when (1 byte: 0 now, 1 after, 2 at), for 1 and 2 the milliseconds (6 bytes), and the
-- record without its first six bytes, which are the time it came in.

local function parse_item(item, now, stamp)
  local due, rest, when = now, 16, string.byte(item, 15)
  if when > 0 then
    local ms = struct.unpack('>I6', item, 16)
    due, rest = when == 1 and now + ms or ms, 22
  end
  local record = stamp .. string.sub(item, rest)
  return { raw = string.sub(item, 1, 14), due = due, record = record, key = key_of(record) or false }
end

local function parse_items(items, now)
  local jobs, raws, keys, stamp = {}, {}, {}, struct.pack('>I6', now)
  for index, item in ipairs(items) do
    local job = parse_item(item, now, stamp)
    jobs[index], raws[index] = job, job.raw
    if job.key then
      push(keys, job.key)
    end
  end
  return jobs, raws, keys
end

-- Write jobs that are neither known nor kept out by a unique key.
local function write_jobs(jobs, now)
  local records, ready, sched, keys, scores = {}, {}, {}, new_keys(), {}
  for _, job in ipairs(jobs) do
    push(records, job.raw, job.record)
    if job.due > now then
      push(sched, exact(job.due), job.raw)
    else
      local rank = rank_of(job.record)
      scores[rank] = scores[rank] or exact(rank * RANK + now)
      push(ready, scores[rank], job.raw)
    end
    if job.key then
      local kind, ms = unique_of(job.record)
      add_key(keys, job.key, job.raw, kind == FOR_A_TIME and now + ms or nil)
    end
  end
  send('HSET', K.job, records)
  write_keys(keys)
  send('ZADD', K.sched, sched)
  send('ZADD', K.ready, ready)
  if #ready > 0 then
    call('ZADD', K.wake, 0, '1')
  end
end

-- Store items; answers for each '1' (stored), '0' (its id is known) or the raw id that holds its unique key.
local function admit(items, now)
  local jobs, raws, keys = parse_items(items, now)
  local known, holders = ask('HMGET', K.job, raws), holders_of(keys, now)
  local answers, fresh, seen = {}, {}, {}
  for index, job in ipairs(jobs) do
    if known[index] or seen[job.raw] then
      answers[index] = '0'
    elseif job.key and holders[job.key] then
      answers[index] = holders[job.key]
    else
      answers[index], seen[job.raw] = '1', true
      if job.key then
        holders[job.key] = job.raw
      end
      push(fresh, job)
    end
  end
  write_jobs(fresh, now)
  return answers
end
