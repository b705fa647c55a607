-- Apply an operator's verb along one state of a queue.
-- keys: meta job live ready sched held lease retry dead done cancelled unique asked wake gates waiting openings
--       awaited
-- uses: base record live unique posts gates act walk
-- in: now, an order (lib/act.lua), number of the state, up or down, score of the place to go on behind or '', its raw,
--     how many to look at, how many to find, their task, the time before which they came in or finished
-- out: looked at, found, applied, refused, 1 when there is more behind; score and raw of the last one looked at

local order, state = read_order(2), tonumber(ARGV[6])
local most_looked, most_found, before = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[13])
order.now = now_ms()
local raws, scores = walk(K[STATES[state]], ARGV[7] == 'up', ARGV[8], ARGV[9], most_looked + 1)
local goes_on = #raws > most_looked
if goes_on then
  raws[#raws] = nil
end
local records, lives = ask('HMGET', K.job, raws), ask('HMGET', K.live, raws)

local known, looked, found, applied, refused = {}, 0, 0, 0, 0
while looked < #raws and found < most_found do
  looked = looked + 1
  local raw, record = raws[looked], records[looked]
  if record and has_task(record, ARGV[12]) then
    found = found + 1
    local entered = state >= DEAD and tonumber(scores[looked]) or enqueued_of(record)
    if entered < before then
      if act_on(order, known, raw, record, state, lives[looked]) then
        applied = applied + 1
      else
        refused = refused + 1
      end
    end
  end
end
write_gates()
goes_on = goes_on or looked < #raws
return { looked, found, applied, refused, goes_on and 1 or 0, scores[looked] or '', raws[looked] or '' }
