-- Store jobs of another store as they are.
-- keys: meta job live end ready sched held retry dead done cancelled unique uniqueends wake gates waiting openings
--       awaited notes
-- uses: base record live unique posts gates
-- oom: refuse
-- in: now, then jobs: raw (14 bytes), number of the state (1), 1 when it has its unique key (1), the end of the time for
--     which it has it or 0 (8), score (8), live part or nothing behind its length (4), record behind its length (4),
--     note (lib/notes.lua) or nothing behind its length (4), history or nothing
-- out: for each 1 when it is new here

local now, jobs, raws, keys = now_ms(), {}, {}, {}
for index = 2, #ARGV do
  local job, at = {}, nil
  job.raw, job.state, job.keyed, job.ends_at, job.score, job.live, job.record, job.note, at =
    struct.unpack('>c14BBI8I8I4c0I4c0I4c0', ARGV[index])
  job.history, job.key = string.sub(ARGV[index], at), job.keyed == 1 and key_of(job.record) or nil
  push(jobs, job)
  push(raws, job.raw)
  push(keys, job.key)
end

local known, holders = ask('HMGET', K.job, raws), holders_of(keys, now)
local answers, fresh, records, lives, pasts, notes, places, taken = {}, {}, {}, {}, {}, {}, {}, new_keys()

local function take_key(job)
  local lasts = job.ends_at == 0 or job.ends_at > now
  if job.key and lasts and not holders[job.key] then
    holders[job.key] = job.raw
    add_key(taken, job.key, job.raw, job.ends_at > 0 and job.ends_at or nil)
  end
end

local function wait_again(job)
  local live, gate = read_live(job.live), gate_of(job.record)
  gates().line_up(job.raw, live, live.gate, gate and gate.name == live.gate and gate)
end

local function admit_as_it_is(job)
  push(records, job.raw, job.record)
  places[job.state] = places[job.state] or {}
  push(places[job.state], exact(job.score), job.raw)
  if job.live ~= '' then
    push(lives, job.raw, job.live)
  end
  if job.history ~= '' then
    push(pasts, job.raw, job.history)
  end
  if job.note ~= '' then
    push(notes, job.raw, job.note)
  end
  if job.live ~= '' and is_gated(job.live) then
    wait_again(job)
  end
  take_key(job)
end

for index, job in ipairs(jobs) do
  local is_new = not known[index] and not fresh[job.raw]
  answers[index] = is_new and 1 or 0
  if is_new then
    fresh[job.raw] = true
    admit_as_it_is(job)
  end
end
send('HSET', K.job, records)
send('HSET', K.live, lives)
send('HSET', K['end'], pasts)
if #notes > 0 then
  send('HSET', K.notes, notes)
  call('HSET', K.meta, 'noted', '1')
end
for state, list in pairs(places) do
  send('ZADD', K[STATES[state]], list)
end
write_keys(taken)
write_gates()
if places[READY] or places[HELD] then
  call('ZADD', K.wake, 0, '1')
end
return answers
