-- Enable or disable a schedule; one that is switched on counts from now.
-- keys: schedules
-- uses: base schedule
-- in: now, key, 1 to enable or 0 to disable
-- out: the schedule as stored (lib/schedule.lua), nil when there is none

local packed, enabled = call('HGET', K.schedules, ARGV[2]), ARGV[3] == '1'
if not packed then
  return false
end
local entry = read_schedule(packed)
if entry.enabled == enabled then
  return packed
end
entry.enabled, entry.version = enabled, entry.version + 1
if enabled then
  entry.last_fire = now_ms()
end
return write_schedule(ARGV[2], entry)
