-- Delete jobs that still are where they were seen.
-- keys: meta job live end ready sched held lease retry dead done cancelled unique asked wake gates waiting openings
--       awaited notes
-- uses: base record live unique posts gates leave
-- in: now, then jobs: raw (14 bytes), number of the state (1), score (8)
-- out: how many were deleted

local seen, is_doomed, doomed = {}, {}, {}
for index = 2, #ARGV do
  local raw, state, score = struct.unpack('>c14BI8', ARGV[index])
  seen[state] = seen[state] or {}
  push(seen[state], { raw = raw, score = score })
end

for state, jobs in pairs(seen) do
  local raws, gone = {}, {}
  for _, job in ipairs(jobs) do
    push(raws, job.raw)
  end
  for index, score in ipairs(ask('ZMSCORE', K[STATES[state]], raws)) do
    if score and tonumber(score) == jobs[index].score and not is_doomed[raws[index]] then
      is_doomed[raws[index]] = true
      push(gone, raws[index])
      push(doomed, raws[index])
    end
  end
  send('ZREM', K[STATES[state]], gone)
end
release_keys(doomed, ask('HMGET', K.job, doomed))
leave_gates(doomed, ask('HMGET', K.live, doomed))
erase(doomed, true)
send('HDEL', K.asked, doomed)
open_stirred()
write_gates()
return #doomed
