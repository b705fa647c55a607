-- A walk along one state of a queue, from a place that need not exist any more.
-- keys: job ready sched held lease retry dead done cancelled
-- uses: base record
-- reads only
-- in: now, number of the state, up or down, score of the place or '' for an end, raw of the place, how many,
--     1 with tasks
-- out: for each: raw, score, and its task when asked for ('' when the job is gone)

local key, goes_up, count = K[STATES[tonumber(ARGV[2])]], ARGV[3] == 'up', tonumber(ARGV[6])

-- How many members stand before (score, raw), and whether one stands there.
local function rank_of_place(score, raw)
  local low, high = call('ZCOUNT', key, '-inf', '(' .. score), call('ZCOUNT', key, '-inf', score)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local member = call('ZRANGE', key, middle, middle)[1]
    if is_before(member, raw) then
      low = middle + 1
    elseif member == raw then
      return middle, true
    else
      high = middle
    end
  end
  return low, false
end

local found
if ARGV[4] == '' then
  found = call(goes_up and 'ZRANGE' or 'ZREVRANGE', key, 0, count - 1, 'WITHSCORES')
else
  local rank, exists = rank_of_place(ARGV[4], ARGV[5])
  if goes_up then
    local first = exists and rank + 1 or rank
    found = call('ZRANGE', key, first, first + count - 1, 'WITHSCORES')
  else
    local behind = call('ZCARD', key) - rank
    found = call('ZREVRANGE', key, behind, behind + count - 1, 'WITHSCORES')
  end
end
if ARGV[7] ~= '1' then
  return found
end
local raws, answers = {}, {}
for index = 1, #found, 2 do
  raws[(index + 1) / 2] = found[index]
end
for index, record in ipairs(ask('HMGET', K.job, raws)) do
  local at = 3 * index
  answers[at - 2], answers[at - 1], answers[at] = raws[index], found[2 * index], record and task_of(record) or ''
end
return answers
