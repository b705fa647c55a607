-- The register of workers.
-- keys: workers beats
-- uses: base
-- reads only
-- in: now, milliseconds for which a beat counts
-- out: for each: its last beat, what it said of itself

local beats = call('ZRANGEBYSCORE', K.beats, '(' .. exact(now_ms() - tonumber(ARGV[2])), '+inf', 'WITHSCORES')
local ids, answers = {}, {}
for index = 1, #beats, 2 do
  push(ids, beats[index])
end
for index, info in ipairs(ask('HMGET', K.workers, ids)) do
  if info then
    push(answers, beats[2 * index], info)
  end
end
return answers
