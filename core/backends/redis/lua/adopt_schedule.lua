-- Store a schedule of another store as it is.
-- keys: schedules
-- uses: base
-- in: now, key, the schedule as stored (lib/schedule.lua)
-- out: 1 when its key is new here

return call('HSETNX', K.schedules, ARGV[2], ARGV[3])
