-- Jobs whole.
-- keys: job live end ready sched held lease retry dead done cancelled
-- uses: base where
-- reads only
-- in: now, then raws
-- out: for each: number of its state (0: no such job), score, record, live or nil, history or nil

local raws, answers = arguments(2, #ARGV), {}
local states, scores = where(raws)
local records, lives, pasts = ask('HMGET', K.job, raws), ask('HMGET', K.live, raws), ask('HMGET', K['end'], raws)
for index in ipairs(raws) do
  answers[index] = { records[index] and states[index] or 0, scores[index], records[index], lives[index], pasts[index] }
end
return answers
