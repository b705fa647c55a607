-- Apply an operator's verb to jobs.
-- keys: meta job live ready sched held lease retry dead done cancelled unique asked wake
-- uses: base record live leave where
-- in: now, operation (one line), operations that a job remembers, reason, what to do by state (eight letters in the
--     order of STATES: x nothing, n run now, f run afresh, c cancel, a ask to stop), then raws
-- out: for each raw: 1 when applied, state before (0: no such job), state after

local now, operation, most_kept, reason, effects = now_ms(), ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local raws, stamp = arguments(6, #ARGV), exact(now)
local states = where(raws)
local lives, records = ask('HMGET', K.live, raws), ask('HMGET', K.job, raws)

local function knows(live)
  return string.find('\n' .. live.operations .. '\n', '\n' .. operation .. '\n', 1, true) ~= nil
end

local function remember(live)
  local kept = { operation }
  for past in string.gmatch(live.operations, '[^\n]+') do
    if #kept < most_kept then
      push(kept, past)
    end
  end
  live.operations = table.concat(kept, '\n')
end

local function place(raw, from, to, score)
  call('ZREM', K[STATES[from]], raw)
  call('ZADD', K[STATES[to]], score, raw)
end

local function ask_to_stop(raw, live)
  live.asked = true
  call('HSET', K.asked, raw, live.worker)
  call('HSET', K.meta, 'asked', '1')
  return LEASE
end

local function cancel(raw, record, state, live)
  live.reason = reason
  place(raw, state, CANCELLED, stamp)
  release_keys({ raw }, { record })
  return CANCELLED
end

-- Pending again, if its unique key is free or its own.
local function run(raw, record, state, live, afresh)
  local key = key_of(record)
  if key and call('HSETNX', K.unique, key, raw) == 0 and call('HGET', K.unique, key) ~= raw then
    return nil
  end
  if afresh then
    live.forgiven = live.attempts
  end
  live.reason = reason
  place(raw, state, READY, exact(rank_of(record) * RANK + now))
  call('ZADD', K.wake, 0, '1')
  return READY
end

local function apply(effect, raw, record, state, live)
  if effect == 'a' then
    return ask_to_stop(raw, live)
  elseif effect == 'c' then
    return cancel(raw, record, state, live)
  elseif effect == 'n' or effect == 'f' then
    return run(raw, record, state, live, effect == 'f')
  end
end

local answers, seen = {}, {}
for index, raw in ipairs(raws) do
  local state, packed = states[index], lives[index]
  if seen[raw] then
    state, packed = seen[raw].state, seen[raw].packed
  end
  local applied, after = 0, state
  if state > 0 and records[index] then
    local live = packed and read_live(packed) or new_live()
    if knows(live) then
      applied = 1
    else
      local reached = apply(string.sub(effects, state, state), raw, records[index], state, live)
      if reached then
        remember(live)
        applied, after, packed = 1, reached, pack_live(live)
        call('HSET', K.live, raw, packed)
      end
    end
  end
  seen[raw] = { state = after, packed = packed }
  push(answers, applied, state)
  push(answers, after)
end
return answers
