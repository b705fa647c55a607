-- What changes about a job: counts, claim, newest operations, reason. A job that was never touched has none.
-- token is 0 unless the job is running; place is its score in `ready` before the claim.
-- Layout: flags 1, attempts 4, forgiven 4, losses 2, token 8, claimed 8, place 8; worker, operations (newest first, a
-- line each) and reason, each behind its length (2). The paths that every job takes cut and join these bytes: a table
-- a job would cost more than all that Redis does for it.

local LIVE = '>BI4I4I2I8I8I8Hc0Hc0Hc0'
local PAST, ASKED, KEYED, NOTED = 1, 2, 4, 8 -- has an entry in `end`; should stop; has a unique key; see below
local UNCLAIMED = string.rep('\0', 30) -- token, claimed, place, and three empty texts

local function new_live()
  return {
    attempts = 0, forgiven = 0, losses = 0, token = 0, claimed = 0, place = 0,
    worker = '', operations = '', reason = '', past = false, asked = false, keyed = false,
  }
end

local function read_live(packed)
  local flags, attempts, forgiven, losses, token, claimed, place, worker, operations, reason =
    struct.unpack(LIVE, packed)
  return {
    attempts = attempts, forgiven = forgiven, losses = losses, token = token, claimed = claimed, place = place,
    worker = worker, operations = operations, reason = reason,
    past = flags % 2 >= PAST, asked = flags % 4 >= ASKED, keyed = flags % 8 >= KEYED,
  }
end

local function pack_live(live)
  local noted = live.operations ~= '' or live.reason ~= ''
  local flags = (live.past and PAST or 0) + (live.asked and ASKED or 0) + (live.keyed and KEYED or 0)
    + (noted and NOTED or 0)
  return struct.pack(LIVE, flags, live.attempts, live.forgiven, live.losses, live.token, live.claimed, live.place,
    #live.worker, live.worker, #live.operations, live.operations, #live.reason, live.reason)
end

local function token_of(packed)
  return (struct.unpack('>I8', packed, 12))
end

-- Whether a job has nothing to remember beside its counts: no operation, no reason, no wish that it stop.
local function is_plain(packed)
  local flags = string.byte(packed)
  return flags % 4 < ASKED and flags < NOTED
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
