-- What changes about a job: counts, claim, newest operations, reason. A job that was never touched has none.
-- token is 0 unless the job is running; place is its score in `ready` before the claim, or before it came to wait at a
-- gate. gate is the one at which it waits, or a slot of which it holds because it has passed.
-- Layout: flags 1, attempts 4, forgiven 4, crashes 1, losses 1, token 8, claimed 8, place 8; worker, operations (newest
-- first, a line each) and reason, each behind its length (2); with one of the flags of a gate then the gate
-- behind its length.
-- The paths that every job takes cut and join these bytes: a table a job would cost more than all that Redis does for
-- it.

local LIVE = '>BI4I4BBI8I8I8Hc0Hc0Hc0'
local PAST, ASKED, KEYED, TEXTS = 1, 2, 4, 8 -- has an entry in `end`; should stop; see below; has a text
local PASSED, WAITS = 16, 32 -- holds a slot of its gate; waits at a gate. KEYED: has a key until it is finished
local NOTES = 64 -- may have an entry in `notes`
local MOST_LOSSES = 255 -- and crashes: they count no further
local UNCLAIMED = string.rep('\0', 30) -- token, claimed, place, and three empty texts

local function new_live()
  return {
    attempts = 0, forgiven = 0, crashes = 0, losses = 0, token = 0, claimed = 0, place = 0,
    worker = '', operations = '', reason = '', gate = '',
    past = false, asked = false, keyed = false, passed = false, waits = false, notes = false,
  }
end

local function read_live(packed)
  local flags, attempts, forgiven, crashes, losses, token, claimed, place, worker, operations, reason, at =
    struct.unpack(LIVE, packed)
  return {
    attempts = attempts, forgiven = forgiven, crashes = crashes, losses = losses, token = token, claimed = claimed,
    place = place, worker = worker, operations = operations, reason = reason,
    gate = flags % 64 >= PASSED and struct.unpack('>Hc0', packed, at) or '',
    past = flags % 2 >= PAST, asked = flags % 4 >= ASKED, keyed = flags % 8 >= KEYED,
    passed = flags % 32 >= PASSED, waits = flags % 64 >= WAITS, notes = flags >= NOTES,
  }
end

local function pack_live(live)
  local texts, gated = live.operations ~= '' or live.reason ~= '', live.passed or live.waits
  local flags = (live.past and PAST or 0) + (live.asked and ASKED or 0) + (live.keyed and KEYED or 0)
    + (texts and TEXTS or 0) + (live.passed and PASSED or 0) + (live.waits and WAITS or 0) + (live.notes and NOTES or 0)
  local packed = struct.pack(LIVE, flags, live.attempts, live.forgiven, math.min(live.crashes, MOST_LOSSES),
    math.min(live.losses, MOST_LOSSES), live.token, live.claimed, live.place, #live.worker, live.worker,
    #live.operations, live.operations, #live.reason, live.reason)
  return gated and packed .. struct.pack('>Hc0', #live.gate, live.gate) or packed
end

local function token_of(packed)
  return (struct.unpack('>I8', packed, 12))
end

-- Whether a job waits at a gate, or holds a slot of one.
local function is_gated(packed)
  return string.byte(packed) % 64 >= PASSED
end

local function has_notes(packed)
  return string.byte(packed) >= NOTES
end

-- Whether a job has nothing to remember beside its counts: no operation, no reason, no gate, no notes, no wish that
-- it stop.
local function is_plain(packed)
  local flags = string.byte(packed)
  return flags % 4 < ASKED and flags < TEXTS
end

-- A plain job after its claim, counts as they were.
local function unclaimed(packed, has_past)
  if has_past and string.byte(packed) % 2 == 0 then
    return string.char(string.byte(packed) + PAST) .. string.sub(packed, 2, 11) .. UNCLAIMED
  end
  return string.sub(packed, 1, 11) .. UNCLAIMED
end

-- The claim is over: the token of before is worth nothing any more.
local function unclaim(live)
  live.token, live.claimed, live.place, live.worker, live.asked = 0, 0, 0, '', false
end
