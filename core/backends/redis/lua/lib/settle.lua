-- How outcomes become moves. needs: base record live history leave
-- An outcome is raw (14 bytes), token (8), state, charge, stream, flags (1 each), delay (8), length of its line (4),
-- reason behind its length (2), and its part of the job's history, of which the line is the end.
-- flags: 1 only when the lease ran out, 2 gives way when the job was asked to stop.

local function parse_outcomes(first, last)
  local outcomes, raws, has_rescue = {}, {}, false
  for index = first, last do
    local item, o, at = ARGV[index], {}, nil
    o.raw, o.token, o.state, o.charge, o.stream, o.flags, o.delay, o.line, o.reason, at =
      struct.unpack('>c14I8BBBBI8I4Hc0', item)
    o.history = string.sub(item, at)
    has_rescue = has_rescue or o.flags % 2 == 1
    push(outcomes, o)
    push(raws, o.raw)
  end
  return outcomes, raws, has_rescue
end

-- Those whose claim still holds, each with its live part; and the raws of the others.
local function judge(outcomes, raws, has_rescue, now)
  local accepted, refused, seen = {}, {}, {}
  local lives = ask('HMGET', K.live, raws)
  local leases = has_rescue and ask('ZMSCORE', K.lease, raws) or {}
  for index, o in ipairs(outcomes) do
    local live = lives[index] and read_live(lives[index])
    local holds = live and o.token > 0 and live.token == o.token and not seen[o.raw]
    if holds and o.flags % 2 == 1 and tonumber(leases[index] or 0) > now then
      holds = false
    end
    if holds then
      o.live, o.holds, seen[o.raw] = live, true, true
      push(accepted, o)
    else
      push(refused, o.raw)
    end
  end
  return accepted, refused
end

-- Change the live part as the outcome says; answers the state it leads to and the score there.
local function turn(o, now, stopped_reason)
  local live, state, score = o.live, o.state, now
  if live.asked and o.flags >= 2 then
    state, o.reason = CANCELLED, stopped_reason
  end
  if o.charge == 1 then
    live.attempts = live.attempts - 1
  elseif o.charge == 2 then
    live.forgiven, live.losses = live.forgiven + 1, live.losses + 1
  end
  if state == RETRY or state == SCHED then
    score = now + o.delay
  elseif state == READY then
    score = math.floor(live.place / RANK) * RANK + now
  end
  live.reason = o.reason
  unclaim(live)
  return state, exact(score)
end

-- Keep what the attempts left; what a job has already is read only for jobs that have something.
local function write_history(accepted)
  local entries, again, raws = {}, {}, {}
  for _, o in ipairs(accepted) do
    if #o.history > 0 and o.live.past then
      push(again, o)
      push(raws, o.raw)
    elseif #o.history > 0 then
      push(entries, o.raw, o.history)
      o.live.past = true
    end
  end
  for index, older in ipairs(ask('HMGET', K['end'], raws)) do
    push(entries, raws[index], older and merged(older, again[index].history) or again[index].history)
  end
  send('HSET', K['end'], entries)
end

-- Take jobs out of `lease` to where their outcomes lead; answers how many attempts ended, and how many of them badly.
local function move(accepted, now, stopped_reason)
  local raws, lives, keyed, stopped, places = {}, {}, {}, {}, {}
  local ended, failed = 0, 0
  for _, o in ipairs(accepted) do
    if o.live.asked then push(stopped, o.raw) end
    local state, score = turn(o, now, stopped_reason)
    places[state] = places[state] or {}
    push(places[state], score, o.raw)
    push(raws, o.raw)
    push(lives, o.raw, pack_live(o.live))
    if state >= DEAD and o.live.keyed then push(keyed, o.raw) end
    if state >= RETRY then ended = ended + 1 end
    if state == RETRY or state == DEAD then failed = failed + 1 end
  end
  send('ZREM', K.lease, raws)
  send('HSET', K.live, lives)
  for state, list in pairs(places) do
    send('ZADD', K[STATES[state]], list)
  end
  send('HDEL', K.asked, stopped)
  release_keys(keyed, ask('HMGET', K.job, keyed))
  return ended, failed
end
