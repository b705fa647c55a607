-- What changes about a job: counts, claim, last operation, reason. A job that was never touched has none.
-- token is 0 unless the job is running; place is its score in `ready` before the claim.

local LIVE = '>BI4I4I2I8I8I8Hc0Hc0Hc0'

local function new_live()
  return {
    attempts = 0, forgiven = 0, losses = 0, token = 0, claimed = 0, place = 0,
    worker = '', operation = '', reason = '', past = false, asked = false, keyed = false,
  }
end

local function read_live(packed)
  local live = {}
  local flags
  flags, live.attempts, live.forgiven, live.losses, live.token, live.claimed, live.place,
    live.worker, live.operation, live.reason = struct.unpack(LIVE, packed)
  live.past = flags % 2 >= 1 -- it has an entry in `end`
  live.asked = flags % 4 >= 2 -- it was asked to stop
  live.keyed = flags % 8 >= 4 -- it has a unique key
  return live
end

local function pack_live(live)
  local flags = (live.past and 1 or 0) + (live.asked and 2 or 0) + (live.keyed and 4 or 0)
  return struct.pack(LIVE, flags, live.attempts, live.forgiven, live.losses, live.token, live.claimed, live.place,
    #live.worker, live.worker, #live.operation, live.operation, #live.reason, live.reason)
end

-- The claim is over: the token of before is worth nothing any more.
local function unclaim(live)
  live.token, live.claimed, live.place, live.worker, live.asked = 0, 0, 0, '', false
end
