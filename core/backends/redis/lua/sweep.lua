-- Apply an operator's verb along one state of a queue.
-- keys: meta job live ready sched held lease retry dead done cancelled unique asked wake gates waiting openings
--       awaited
-- uses: base record live unique posts gates act walk
-- in: now, an order (lib/act.lua), number of the state, up or down, score of the place to go on behind or '', its raw,
--     how many to look at, how many to find, their task, the time before which they came in or finished, bytes of
--     records after which to stop
-- out: looked at, found, applied, refused, 1 when there is more behind; score and raw of the last one looked at

local order, state = read_order(2), tonumber(ARGV[6])
local most_looked, most_found, before = tonumber(ARGV[10]), tonumber(ARGV[11]), tonumber(ARGV[13])
order.now = now_ms()
local raws, scores = walk(K[STATES[state]], ARGV[7] == 'up', ARGV[8], ARGV[9], most_looked + 1)
local goes_on = #raws > most_looked
if goes_on then
  raws[#raws] = nil
end

local known, looked, found, applied, refused = {}, 0, 0, 0, 0

local function act_on_next(raw, record, live)
  looked = looked + 1
  if not record or not has_task(record, ARGV[12]) then
    return
  end
  found = found + 1
  local entered = state >= DEAD and tonumber(scores[looked]) or enqueued_of(record)
  if entered < before then
    if act_on(order, known, raw, record, state, live) then
      applied = applied + 1
    else
      refused = refused + 1
    end
  end
end

local READ_AT_ONCE = 50 -- records, each of which may be large
local bytes, most_bytes = 0, tonumber(ARGV[14])
while looked < #raws and found < most_found and bytes < most_bytes do
  local part = { unpack(raws, looked + 1, math.min(looked + READ_AT_ONCE, #raws)) }
  local records, lives = ask('HMGET', K.job, part), ask('HMGET', K.live, part)
  for index, raw in ipairs(part) do
    if found < most_found then
      bytes = bytes + (records[index] and #records[index] or 0)
      act_on_next(raw, records[index], lives[index])
    end
  end
end
write_gates()
goes_on = goes_on or looked < #raws
return { looked, found, applied, refused, goes_on and 1 or 0, scores[looked] or '', raws[looked] or '' }
