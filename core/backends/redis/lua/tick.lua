-- Take one tick of a schedule and store its job, if the schedule still is what the caller saw.
-- keys: schedules job ready sched unique uniqueends wake
-- uses: base record unique intake schedule
-- in: now, key, version, last fire, fire time, the job as an item (lib/intake.lua)
-- out: 1 when the tick was taken

local packed = call('HGET', K.schedules, ARGV[2])
local entry = packed and read_schedule(packed)
if not entry or not entry.enabled or entry.version ~= tonumber(ARGV[3]) or entry.last_fire ~= tonumber(ARGV[4]) then
  return 0
end
entry.last_fire, entry.last_job = tonumber(ARGV[5]), string.sub(ARGV[6], 1, 14)
write_schedule(ARGV[2], entry)
admit({ ARGV[6] }, now_ms())
return 1
