-- Jobs whole.
-- keys: job live end notes ready sched held lease retry dead done cancelled
-- uses: base live where notes
-- reads only
-- in: now, then raws
-- out: for each: number of its state (0: no such job), score, record, live or nil, history or nil, note or nil

local raws, answers = arguments(2, #ARGV), {}
local states, scores = where(raws)
local records, lives, pasts = ask('HMGET', K.job, raws), ask('HMGET', K.live, raws), ask('HMGET', K['end'], raws)
local notes = notes_among(raws, lives)
for index, raw in ipairs(raws) do
  local state, note = records[index] and states[index] or 0, notes[raw] or false
  answers[index] = { state, scores[index], records[index], lives[index], pasts[index], note }
end
return answers
