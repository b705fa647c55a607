-- Settle a batch, promote what is due, claim the next: the hot verb.
-- keys: meta job live end ready sched held lease retry dead done cancelled unique uniqueends minutes minuteindex
--       failures completed replies asked outbox wake gates waiting openings awaited notes
-- uses: base record live history unique posts gates intake leave claims claim notes settle journal minutes promote
-- in: now, worker, call, want, lease ms, completed to keep, most to promote, reason of a run cancelled on its way,
--     most to turn away at gates, most tasks to tell that somebody waits for; how many tasks to serve, outcomes,
--     minute sums, follow-ups, follow-ups for elsewhere; then these, each one string: tasks, outcomes
--     (lib/settle.lua), minute sums (lib/minutes.lua), follow-ups: outcome counted from 1 (4 bytes), item
--     (lib/intake.lua); follow-ups for elsewhere: outcome, field of `outbox` behind its length (2), value
-- out: now, refused raws, claims (lib/claims.lua), raws asked to stop, when the next is due or 0, 1 when paused,
--     tasks that somebody waits for, checkpoints of the claims that may have notes

local worker, number, want = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local lease_ms, keep, most_promoted = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local outcomes_from = 16 + tonumber(ARGV[11])
local sums_from = outcomes_from + tonumber(ARGV[12])
local then_from = sums_from + tonumber(ARGV[13])
local outbox_from = then_from + tonumber(ARGV[14])
local now = now_ms()
local token, paused, processed, failures, any_asked, any_waits, any_noted =
  unpack(call('HMGET', K.meta, 'token', 'paused', 'processed', 'failed', 'asked', 'waits', 'noted'))
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
  local outcomes, raws, has_rescue = parse_outcomes(outcomes_from, sums_from - 1)
  local accepted, refused = judge(outcomes, raws, has_rescue, now)
  write_history(accepted)
  if any_noted then
    close_notes(accepted)
  end
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
    pop_oldest(K.done, surplus, any_noted)
  end
  return refused
end

-- Claim, after those who may have passed a gate have their place in `ready`; answers the claims and their raws.
local function open_and_claim()
  open_stirred()
  if paused or want == 0 then
    return {}, {}
  end
  if any_waits or gates_made then
    gates().open_due(want)
    gates().serve(arguments(16, outcomes_from - 1), want)
  end
  local claimer = {
    worker = worker, now = now, lease_ms = lease_ms, token = tonumber(token or 0), want = want,
    most_turned = tonumber(ARGV[9]),
  }
  local claims, taken = claim(claimer)
  if #taken > 0 then
    push(news, 'token', exact(claimer.token))
  end
  open_stirred()
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
  local first, claims, taken = (token or 0) + 1, open_and_claim()
  any_waits = write_gates() or any_waits
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

-- When the rate of a gate lets the next one pass that waits, 0 when none does; and the tasks that somebody waits for.
local function waited_for()
  if any_waits and call('ZCARD', K.waiting) == 0 then
    call('HDEL', K.meta, 'waits')
    any_waits = false
  end
  if not any_waits then
    return 0, {}
  end
  local opening = not paused and head_of(K.openings)
  return opening and math.max(now, opening) or 0, call('ZRANGE', K.awaited, 0, tonumber(ARGV[10]) - 1)
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
local opening, awaited = waited_for()
next_due = sooner(next_due or next_due_of(), opening)
local checkpoints = any_noted and checkpoints_of(claims) or {}
return { now, refused, claims, asked_to_stop(), next_due, paused and 1 or 0, awaited, checkpoints }
