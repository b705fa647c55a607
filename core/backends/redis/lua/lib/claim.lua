-- How pending jobs are claimed. needs: base record live unique gates
-- A claimer has: worker, now, lease ms, the last token given, how many it wants and how many it turns away at most.

local AT_ONCE = 50 -- looked at in a step once some were turned away

-- A job's live part from its claim on; a fresh one differs from the others of a call in token and place only.
local function lives_of(claimer)
  local now = claimer.now
  local tail = struct.pack('>Hc0HH', #claimer.worker, claimer.worker, 0, 0)
  local fresh, fresh_keyed = struct.pack('>BI4I4BB', 0, 1, 0, 0, 0), struct.pack('>BI4I4BB', KEYED, 1, 0, 0, 0)
  return function(packed, record, place)
    claimer.token = claimer.token + 1
    local token = claimer.token
    if not packed then
      return (key_of(record) and fresh_keyed or fresh) .. struct.pack('>I8I8I8', token, now, place) .. tail
    end
    local live = type(packed) == 'table' and packed or read_live(packed)
    live.keyed = key_of(record) ~= nil and unique_of(record) == UNTIL_FINISHED
    live.attempts, live.token, live.claimed, live.place = live.attempts + 1, token, now, place
    live.worker = claimer.worker
    return pack_live(live)
  end
end

-- For a job with more to it than the ordinary one: its live part once it has passed its gate, or nil and the live part
-- of one that has to wait there.
local function at_its_gate(raw, record, packed, place)
  local live, gate = packed and read_live(packed) or new_live(), gate_of(record)
  if gate and not live.passed then
    live.place = place
    if not gates().posts.passes(gate) then
      gates().line_up(raw, live, gate.name, gate)
      gates().stir(gate.name) -- the numbers that it brought may let others through
      return nil, live
    end
    live.passed, live.gate = true, gate.name
  end
  return live
end

local function load_gates(records)
  local names = {}
  for _, record in ipairs(records) do
    local gate = record and gate_of(record)
    if gate then
      push(names, gate.name)
    end
  end
  gates().posts.load(names)
  return true
end

-- For what is found in one call.
local function new_haul(lease_until)
  return {
    claims = {}, taken = {}, lives = {}, leases = {}, lease_until = lease_until, count = 0,
    held = {}, held_lives = {}, turned = 0, unkeyed = {}, unkeyed_records = {},
  }
end

local function take(haul, raw, record, live)
  local count, claims, lives, leases = haul.count, haul.claims, haul.lives, haul.leases
  local at, pair = 3 * count, 2 * count
  haul.count, haul.taken[count + 1] = count + 1, raw
  claims[at + 1], claims[at + 2], claims[at + 3] = raw, record, live
  lives[pair + 1], lives[pair + 2] = raw, live
  leases[pair + 1], leases[pair + 2] = haul.lease_until, raw
end

local function turn_away(haul, raw, live, stamp)
  haul.turned = haul.turned + 1
  push(haul.held, stamp, raw)
  push(haul.held_lives, raw, pack_live(live))
end

-- Take a job with more to it than the ordinary one, or turn it away at its gate.
local function meet(claimer, haul, live_of, raw, record, packed, place)
  local live, waits = at_its_gate(raw, record, packed, place)
  if waits then
    turn_away(haul, raw, waits, exact(claimer.now))
    return
  end
  take(haul, raw, record, live_of(live, record, place))
  if unique_of(record) == WHILE_PENDING then
    push(haul.unkeyed, raw)
    push(haul.unkeyed_records, record)
  end
end

-- Take or turn away the next of `ready`; answers whether more may stand there.
local function step(claimer, haul, live_of, count)
  local popped, raws, back = call('ZPOPMIN', K.ready, count), {}, {}
  for index = 1, #popped, 2 do
    raws[(index + 1) / 2] = popped[index]
  end
  local records, lives = ask('HMGET', K.job, raws), ask('HMGET', K.live, raws)
  local are_loaded, byte, want, most_turned = false, string.byte, claimer.want, claimer.most_turned
  for index, raw in ipairs(raws) do
    local record, place = records[index], popped[2 * index]
    if haul.count == want or haul.turned == most_turned then
      push(back, place, raw)
    elseif record and byte(record, 7) == ORDINARY then
      take(haul, raw, record, live_of(lives[index], record, tonumber(place)))
    elseif record then
      are_loaded = are_loaded or load_gates(records)
      meet(claimer, haul, live_of, raw, record, lives[index], tonumber(place))
    elseif lives[index] and is_gated(lives[index]) then -- a place without a job is forgotten here, and its slot free
      leave_gate(raw, read_live(lives[index]))
    end
  end
  send('ZADD', K.ready, back)
  return #raws == count
end

-- Claim from the head of `ready`; answers the claims (lib/claims.lua) and their raws. Who is turned away is held.
local function claim(claimer)
  local haul, live_of, goes_on = new_haul(exact(claimer.now + claimer.lease_ms)), lives_of(claimer), true
  while goes_on and haul.count < claimer.want and haul.turned < claimer.most_turned do
    local missing = claimer.want - haul.count
    goes_on = step(claimer, haul, live_of, haul.turned > 0 and math.max(missing, AT_ONCE) or missing)
  end
  send('ZADD', K.held, haul.held)
  send('HSET', K.live, haul.held_lives)
  release_keys(haul.unkeyed, haul.unkeyed_records)
  send('HSET', K.live, haul.lives)
  send('ZADD', K.lease, haul.leases)
  return haul.claims, haul.taken
end
