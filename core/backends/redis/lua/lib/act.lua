-- What an operator's verb does to a job. needs: base record live unique posts gates
-- An order is: operation (one line), operations that a job remembers, reason, what to do by state (eight letters in the
-- order of STATES: x nothing, n run now, f run afresh, c cancel, a ask to stop).

local function read_order(first)
  return { operation = ARGV[first], most_kept = tonumber(ARGV[first + 1]), reason = ARGV[first + 2],
    effects = ARGV[first + 3], now = 0 }
end

local function knows(live, operation)
  return string.find('\n' .. live.operations .. '\n', '\n' .. operation .. '\n', 1, true) ~= nil
end

local function remember(live, order)
  local kept = { order.operation }
  for past in string.gmatch(live.operations, '[^\n]+') do
    if #kept < order.most_kept then
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

local function cancel(order, raw, record, state, live)
  live.reason = order.reason
  place(raw, state, CANCELLED, exact(order.now))
  release_keys({ raw }, { record })
  leave_gate(raw, live)
  return CANCELLED
end

-- Whether a finished job may be pending again: nobody else has its key meanwhile. One for a time it has had.
local function takes_key_again(raw, record, now)
  local key = key_of(record)
  if not key or unique_of(record) == FOR_A_TIME then
    return true
  end
  local holder = holder_of(call('HGET', K.unique, key), now)
  if not holder then
    call('HSET', K.unique, key, raw)
  end
  return not holder or holder == raw
end

-- Pending as of now. A held one has passed its gate, whatever the limit.
local function run(order, raw, record, state, live, afresh)
  if afresh and not takes_key_again(raw, record, order.now) then
    return nil
  end
  if afresh then -- what it was suspected of it still is
    live.forgiven, live.crashes, live.losses = live.attempts, 0, math.min(live.losses, 1)
  end
  live.reason = order.reason
  leave_gate(raw, live)
  place(raw, state, READY, exact(rank_of(record) * RANK + order.now))
  local gate = state == HELD and gate_of(record)
  if gate then
    gates().posts.enter(gate)
    live.passed, live.gate = true, gate.name
  end
  call('ZADD', K.wake, 0, '1')
  return READY
end

local function apply(order, effect, raw, record, state, live)
  if effect == 'a' then
    return ask_to_stop(raw, live)
  elseif effect == 'c' then
    return cancel(order, raw, record, state, live)
  elseif effect == 'n' or effect == 'f' then
    return run(order, raw, record, state, live, effect == 'f')
  end
end

-- Act on jobs one after the other, each as the ones before it have left it. known: for raws whose state has changed
-- since it was looked up, the state and the live part of now. Answers whether it applied, the states before and after.
local function act_on(order, known, raw, record, state, packed)
  if known[raw] then
    state, packed = known[raw].state, known[raw].packed
  end
  if state == 0 or not record then
    return false, state, state
  end
  local live = packed and read_live(packed) or new_live()
  if knows(live, order.operation) then
    return true, state, state
  end
  local reached = apply(order, string.sub(order.effects, state, state), raw, record, state, live)
  if not reached then
    return false, state, state
  end
  remember(live, order)
  packed = pack_live(live)
  call('HSET', K.live, raw, packed)
  known[raw] = { state = reached, packed = packed }
  for _, one in ipairs(open_stirred()) do
    known[one.raw] = { state = READY, packed = one.live }
  end
  return true, state, reached
end
