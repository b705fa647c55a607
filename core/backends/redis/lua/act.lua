-- Apply an operator's verb to jobs.
-- keys: meta job live ready sched held lease retry dead done cancelled unique asked wake gates waiting openings
--       awaited
-- uses: base record live unique posts gates where act
-- in: now, an order (lib/act.lua), then raws
-- out: for each raw: 1 when applied, state before (0: no such job), state after

local order, raws = read_order(2), arguments(6, #ARGV)
order.now = now_ms()
local states = where(raws)
local lives, records = ask('HMGET', K.live, raws), ask('HMGET', K.job, raws)
local answers, known = {}, {}
for index, raw in ipairs(raws) do
  local applied, before, after = act_on(order, known, raw, records[index], states[index], lives[index])
  push(answers, applied and 1 or 0, before)
  push(answers, after)
end
write_gates()
return answers
