-- How outcomes become moves. needs: base record live history unique gates
-- An outcome is raw (14 bytes), token (8), state, charge, stream, flags (1 each), delay (8), length of its line (4),
-- reason behind its length (2), with flag 4 a gate behind its length (2), and its part of the job's history, of which the
-- line is the end.
-- charge: 1 not an attempt after all, 2 lost, 3 lost by a crash, 4 no suspect any more.
-- flags: 1 only when the lease ran out, 2 gives way when the job was asked to stop, 4 waits at a gate.

local OUTCOME = '>c14I8BBBBI8I4Hc0'

local function parse_outcomes(first, last)
  local outcomes, raws, has_rescue, count = {}, {}, false, 0
  for index = first, last do
    local item = ARGV[index]
    local raw, token, state, charge, stream, flags, delay, line, reason, at = struct.unpack(OUTCOME, item)
    local gate
    if flags >= 4 then
      gate, at = struct.unpack('>Hc0', item, at)
    end
    count = count + 1
    raws[count] = raw
    outcomes[count] = {
      raw = raw, token = token, state = state, charge = charge, stream = stream, flags = flags, delay = delay,
      line = line, reason = reason, history = string.sub(item, at), packed = false, holds = false, gate = gate,
    }
    has_rescue = has_rescue or flags % 2 == 1
  end
  return outcomes, raws, has_rescue
end

-- Those whose claim still holds, each with its live part; and the raws of the others.
local function judge(outcomes, raws, has_rescue, now)
  local accepted, refused, seen = {}, {}, {}
  local lives = ask('HMGET', K.live, raws)
  local leases = has_rescue and ask('ZMSCORE', K.lease, raws) or {}
  for index, o in ipairs(outcomes) do
    local raw, packed = o.raw, lives[index]
    local holds = packed and o.token > 0 and token_of(packed) == o.token and not seen[raw]
    if holds and o.flags % 2 == 1 and tonumber(leases[index] or 0) > now then
      holds = false
    end
    if holds then
      o.packed, o.holds, seen[raw] = packed, true, true
      accepted[#accepted + 1] = o
    else
      push(refused, raw)
    end
  end
  return accepted, refused
end

-- In line at a gate, at the place of before the claim.
local function wait_at(o, live, place)
  local record = not string.find(o.gate, '^task:') and call('HGET', K.job, o.raw)
  local own = record and gate_of(record)
  live.place = place
  gates().line_up(o.raw, live, o.gate, own and own.name == o.gate and own)
end

-- What an attempt leaves of the counts.
local function charge(live, kind)
  if kind == 1 then
    live.attempts = live.attempts - 1
  elseif kind == 2 or kind == 3 then
    live.forgiven, live.losses = live.forgiven + 1, live.losses + 1
    live.crashes = live.crashes + kind - 2
  elseif kind == 4 then
    live.losses = 0
  end
end

-- The live part changed as the outcome says; answers it packed, the state it leads to and the score there.
local function turn(o, now, stopped_reason)
  local live, state, score = read_live(o.packed), o.state, now
  local place = live.place
  leave_gate(o.raw, live)
  if live.asked and o.flags % 4 >= 2 then
    state, o.reason = CANCELLED, stopped_reason
  end
  charge(live, o.charge)
  if state == RETRY or state == SCHED then
    score = now + o.delay
  elseif state == READY then
    score = math.floor(place / RANK) * RANK + now
  end
  live.past = live.past or #o.history > 0
  live.reason = o.reason
  unclaim(live)
  if state == HELD and o.gate then
    wait_at(o, live, place)
  end
  return pack_live(live), state, exact(score)
end

-- Keep what the attempts left; what a job has already is read only for jobs that have something.
local function write_history(accepted)
  local entries, again, raws, count = {}, {}, {}, 0
  for _, o in ipairs(accepted) do
    if #o.history > 0 then
      if string.byte(o.packed) % 2 >= PAST then
        push(again, o)
        push(raws, o.raw)
      else
        entries[count + 1], entries[count + 2] = o.raw, o.history
        count = count + 2
      end
    end
  end
  for index, older in ipairs(ask('HMGET', K['end'], raws)) do
    push(entries, raws[index], older and merged(older, again[index].history) or again[index].history)
  end
  send('HSET', K['end'], entries)
end

-- Take jobs out of `lease` to where their outcomes lead; answers how many attempts ended, and how many of them badly.
local function move(accepted, now, stopped_reason)
  local raws, lives, keyed, stopped, places, stamp = {}, {}, {}, {}, {}, exact(now)
  local ended, failed = 0, 0
  for index, o in ipairs(accepted) do
    local raw, flags, packed, state, score = o.raw, string.byte(o.packed), nil, o.state, stamp
    if state >= DEAD and o.charge == 0 and o.reason == '' and is_plain(o.packed) then
      packed = unclaimed(o.packed, #o.history > 0)
    else
      packed, state, score = turn(o, now, stopped_reason)
    end
    local place = places[state] or {}
    places[state], place[#place + 1] = place, score
    place[#place + 1] = raw
    raws[index], lives[2 * index - 1], lives[2 * index] = raw, raw, packed
    if flags % 4 >= ASKED then push(stopped, raw) end
    if state >= DEAD and flags % 8 >= KEYED then push(keyed, raw) end
    if state >= RETRY then ended = ended + 1 end
    if state == RETRY or state == DEAD then failed = failed + 1 end
  end
  send('ZREM', K.lease, raws)
  send('HSET', K.live, lives)
  for state, place in pairs(places) do
    send('ZADD', K[STATES[state]], place)
  end
  send('HDEL', K.asked, stopped)
  release_keys(keyed, ask('HMGET', K.job, keyed))
  return ended, failed
end
