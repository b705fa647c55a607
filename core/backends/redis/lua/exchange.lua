-- Settle a batch, promote what is due, claim the next: the hot verb.
-- keys: meta job live end ready sched held lease retry dead done cancelled unique minutes minuteindex
--       failures completed replies asked outbox wake
-- uses: base record live history intake leave claims settle journal minutes promote
-- in: now, worker, call, want, lease ms, completed to keep, most to promote, reason of a run cancelled on its way,
--     how many outcomes, minute sums, follow-ups, follow-ups for elsewhere; then these, each one string:
--     outcomes (lib/settle.lua), minute sums (lib/minutes.lua), follow-ups: outcome counted from 1 (4 bytes), item
--     (lib/intake.lua); follow-ups for elsewhere: outcome, field of `outbox` behind its length (2), value
-- out: now, refused raws, claims (lib/claims.lua), raws asked to stop, when the next is due or 0, 1 when paused

local worker, number, want = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local lease_ms, keep, most_promoted = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local sums_from = 13 + tonumber(ARGV[9])
local then_from = sums_from + tonumber(ARGV[10])
local outbox_from = then_from + tonumber(ARGV[11])
local now = now_ms()
local token, paused, processed, failures, any_asked =
  unpack(call('HMGET', K.meta, 'token', 'paused', 'processed', 'failed', 'asked'))
local news = {} -- fields and values of `meta` that this call changes

local function write_follow_ups(outcomes)
  local items, elsewhere, stamp = {}, {}, struct.pack('>I6', now)
  for index = then_from, #ARGV do
    local of, at = struct.unpack('>I4', ARGV[index])
    if outcomes[of].holds and index < outbox_from then
      push(items, string.sub(ARGV[index], at))
    elseif outcomes[of].holds then
      local field, value = struct.unpack('>Hc0', ARGV[index], at)
      push(elsewhere, field, stamp .. string.sub(ARGV[index], value))
    end
  end
  if #items > 0 then
    admit(items, now)
  end
  send('HSET', K.outbox, elsewhere)
end

local function settle()
  local outcomes, raws, has_rescue = parse_outcomes(13, sums_from - 1)
  local accepted, refused = judge(outcomes, raws, has_rescue, now)
  write_history(accepted)
  local ended, failed = move(accepted, now, ARGV[8])
  if ended > 0 then
    push(news, 'processed', exact((processed or 0) + ended))
    push(news, 'processed_ms', exact(now))
  end
  if failed > 0 then
    push(news, 'failed', exact((failures or 0) + failed))
  end
  for _, value in ipairs(write_journals(accepted)) do
    push(news, value)
  end
  write_follow_ups(outcomes)
  add_sums(sums_from, then_from - 1, now)
  local surplus = keep > 0 and math.min(call('ZCARD', K.done) - keep, 2 * #outcomes + 10) or 0
  if surplus > 0 then
    pop_oldest(K.done, surplus)
  end
  return refused
end

-- A job's live part from its claim on; a fresh one differs from the others of this call in token and place only.
local worker_only = struct.pack('>Hc0HH', #worker, worker, 0, 0)
local fresh = struct.pack('>BI4I4I2', 0, 1, 0, 0)
local fresh_keyed = struct.pack('>BI4I4I2', KEYED, 1, 0, 0)

local function claimed_live(packed, record, place)
  token = token + 1
  if not packed then
    return (key_of(record) and fresh_keyed or fresh) .. struct.pack('>I8I8I8', token, now, place) .. worker_only
  end
  local live = read_live(packed)
  live.keyed = key_of(record) ~= nil
  live.attempts, live.token, live.claimed, live.place, live.worker = live.attempts + 1, token, now, place, worker
  return pack_live(live)
end

local function claim()
  local popped, raws = call('ZPOPMIN', K.ready, want), {}
  for index = 1, #popped, 2 do
    raws[(index + 1) / 2] = popped[index]
  end
  local records, lives = ask('HMGET', K.job, raws), ask('HMGET', K.live, raws)
  local claims, taken, written, leases, lease_until = {}, {}, {}, {}, exact(now + lease_ms)
  local count = 0
  for index, raw in ipairs(raws) do
    local record = records[index]
    if record then -- a place without a job is forgotten here
      local live, at, pair = claimed_live(lives[index], record, tonumber(popped[2 * index])), 3 * count, 2 * count
      count = count + 1
      claims[at + 1], claims[at + 2], claims[at + 3] = raw, record, live
      taken[count] = raw
      written[pair + 1], written[pair + 2] = raw, live
      leases[pair + 1], leases[pair + 2] = lease_until, raw
    end
  end
  send('HSET', K.live, written)
  send('ZADD', K.lease, leases)
  return claims, taken
end

-- Raws this worker runs and should stop.
local function asked_to_stop()
  local asked, mine = any_asked and call('HGETALL', K.asked) or {}, {}
  for index = 1, #asked, 2 do
    if asked[index + 1] == worker then
      push(mine, asked[index])
    end
  end
  if any_asked and #asked == 0 then
    call('HDEL', K.meta, 'asked')
  end
  return mine
end

local function work()
  local refused = settle()
  local next_due = promote_due(now, most_promoted)
  local first, claims, taken = (token or 0) + 1, {}, {}
  token = token or 0
  if want > 0 and not paused then
    claims, taken = claim()
  end
  if #taken > 0 then
    push(news, 'token', exact(token))
  end
  send('HSET', K.meta, news)
  local head = struct.pack('>I8I8I8I4', now, number, first, #refused)
  call('HSET', K.replies, worker, head .. table.concat(refused) .. table.concat(taken))
  if not paused and call('ZCARD', K.ready) > 0 then
    call('ZADD', K.wake, 0, '1')
  end
  return refused, claims, next_due
end

-- What the same call was answered before; nothing is settled or claimed twice.
local function repeated(reply, first, refusals, at)
  local refused, raws = {}, {}
  for place = at, #reply, 14 do
    push(#refused < refusals and refused or raws, string.sub(reply, place, place + 13))
  end
  return refused, claims_held(raws, first)
end

local reply = call('HGET', K.replies, worker)
local refused, claims, next_due = {}, {}, nil
local at_ms, last, first, refusals, at = 0, 0, 0, 0, 1
if reply then
  at_ms, last, first, refusals, at = struct.unpack('>I8I8I8I4', reply)
end
if not reply or number > last then
  refused, claims, next_due = work()
elseif number == last then
  refused, claims = repeated(reply, first, refusals, at)
end
if not next_due then
  next_due = next_due_of()
end
return { now, refused, claims, asked_to_stop(), next_due, paused and 1 or 0 }
