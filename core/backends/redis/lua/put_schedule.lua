-- Store the definition of a schedule.
-- keys: schedules
-- uses: base schedule
-- in: now, key, 1 when a new one is enabled, definition
-- out: the schedule as stored (lib/schedule.lua)

local packed, key, spec = call('HGET', K.schedules, ARGV[2]), ARGV[2], ARGV[4]
if not packed then
  local entry = { enabled = ARGV[3] == '1', version = 1, last_fire = now_ms(), last_job = '', spec = spec }
  return write_schedule(key, entry)
end
local entry = read_schedule(packed)
if entry.spec == spec then
  return packed
end
entry.spec, entry.version = spec, entry.version + 1
return write_schedule(key, entry)
