-- Store jobs of one queue, all or none.
-- keys: job ready sched unique uniqueends wake
-- uses: base record unique intake
-- oom: refuse
-- in: now, then items (see lib/intake.lua)
-- out: for each '1' (stored), '0' (its id is known) or the raw id that holds its unique key

return admit(arguments(2, #ARGV), now_ms())
