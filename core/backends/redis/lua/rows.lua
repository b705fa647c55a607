-- Jobs of one state as a list shows them: without result and error, with their newest line.
-- keys: job live end ready sched held lease retry dead done cancelled
-- uses: base history
-- reads only
-- in: now, number of the state, then raws
-- out: for each: nil when it is not in that state, else score, record, live or nil, line or ''

local raws, answers = arguments(3, #ARGV), {}
local scores = ask('ZMSCORE', K[STATES[tonumber(ARGV[2])]], raws)
local records, lives, pasts = ask('HMGET', K.job, raws), ask('HMGET', K.live, raws), ask('HMGET', K['end'], raws)
for index in ipairs(raws) do
  if scores[index] and records[index] then
    local lines = pasts[index] and parts_of(pasts[index]).lines or {}
    answers[index] = { scores[index], records[index], lives[index], lines[#lines] or '' }
  else
    answers[index] = false
  end
end
return answers
