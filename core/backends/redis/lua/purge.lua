-- Delete jobs of one state that entered it (final states) or came in (the others) before a time.
-- keys: meta job live end ready sched held lease retry dead done cancelled unique wake gates waiting openings
--       awaited notes
-- uses: base record live unique posts gates leave
-- in: now, number of the state, before, limit, how many of the first to pass over, how many to look at
-- out: how many were deleted, how many were looked at

local key, before, limit, skip = K[STATES[tonumber(ARGV[2])]], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local is_final = tonumber(ARGV[2]) >= DEAD
local raws
if is_final then
  raws = call('ZRANGEBYSCORE', key, '-inf', '(' .. exact(before), 'LIMIT', 0, limit)
else
  raws = call('ZRANGE', key, skip, skip + tonumber(ARGV[6]) - 1)
end
local records, doomed, theirs = ask('HMGET', K.job, raws), {}, {}
for index, raw in ipairs(raws) do
  local record = records[index]
  if #doomed < limit and (is_final or not record or enqueued_of(record) < before) then
    push(doomed, raw)
    theirs[#doomed] = record
  end
end
send('ZREM', key, doomed)
release_keys(doomed, theirs)
if not is_final then
  leave_gates(doomed, ask('HMGET', K.live, doomed))
  open_stirred()
  write_gates()
end
erase(doomed, true)
return { #doomed, #raws }
