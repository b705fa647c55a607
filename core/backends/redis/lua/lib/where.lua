-- In which state jobs are: the sorted set that has them. needs: base

-- Two lists: the number of each job's state, 0 where there is no such job; and its score.
local function where(raws)
  local states, scores = {}, {}
  for index = 1, #raws do
    states[index], scores[index] = 0, '0'
  end
  for state, name in ipairs(STATES) do
    for index, score in ipairs(ask('ZMSCORE', K[name], raws)) do
      if score then
        states[index], scores[index] = state, score
      end
    end
  end
  return states, scores
end
