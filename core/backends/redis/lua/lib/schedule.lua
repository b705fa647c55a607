-- A schedule as stored: enabled (1 byte), version (8), last fire (8), last job behind its length (2), definition.

local SCHEDULE = '>BI8I8Hc0'

local function read_schedule(packed)
  local entry, enabled, at = {}, nil, nil
  enabled, entry.version, entry.last_fire, entry.last_job, at = struct.unpack(SCHEDULE, packed)
  entry.enabled, entry.spec = enabled == 1, string.sub(packed, at)
  return entry
end

local function write_schedule(key, entry)
  local head = struct.pack(SCHEDULE, entry.enabled and 1 or 0, entry.version, entry.last_fire,
    #entry.last_job, entry.last_job)
  call('HSET', K.schedules, key, head .. entry.spec)
  return head .. entry.spec
end
