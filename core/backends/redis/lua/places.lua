-- A walk along one state of a queue, from a place that need not exist any more.
-- keys: job ready sched held lease retry dead done cancelled
-- uses: base record walk
-- reads only
-- in: now, number of the state, up or down, score of the place or '' for an end, raw of the place, how many,
--     1 when jobs are looked at; if so, the task, bytes of records after which to stop, and what each contains
-- out: 1 when more may stand behind these; for each: raw, score, when looked at: 1 if it is one of the wanted

local key, count = K[STATES[tonumber(ARGV[2])]], tonumber(ARGV[6])
local raws, scores = walk(key, ARGV[3] == 'up', ARGV[4], ARGV[5], count)
local answers = {}
if ARGV[7] ~= '1' then
  for index, raw in ipairs(raws) do
    push(answers, raw, scores[index])
  end
  return { #raws == count and 1 or 0, answers }
end

local READ_AT_ONCE = 50 -- records, each of which may be large
local task, most_bytes, needles = ARGV[8], tonumber(ARGV[9]), arguments(10, #ARGV)

local function is_wanted(record)
  if not record or not has_task(record, task) then
    return false
  end
  for _, needle in ipairs(needles) do
    if not contains(record, needle) then
      return false
    end
  end
  return true
end

local looked, bytes = 0, 0
while looked < #raws and bytes < most_bytes do
  local part = { unpack(raws, looked + 1, math.min(looked + READ_AT_ONCE, #raws)) }
  for index, record in ipairs(ask('HMGET', K.job, part)) do
    bytes = bytes + (record and #record or 0)
    push(answers, part[index], scores[looked + index])
    push(answers, is_wanted(record) and '1' or '0')
  end
  looked = looked + #part
end
return { (#raws == count or looked < #raws) and 1 or 0, answers }
