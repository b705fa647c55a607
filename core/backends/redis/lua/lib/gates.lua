-- The lines at gates: who waits, in run order, and who is let through. needs: base live posts
-- A member of `waiting` is the name of the gate behind its length (2), the place in run order (8), the raw id: those of
-- one gate stand together, the first in line first.

local MOST_OPENED = 200 -- jobs of one call; who is left over passes with the next claims
local PLACE_BYTES = 22

local gates_made

local function make_gates()
  local posts, lined_up, struck, stirred, opened = make_posts(), {}, {}, {}, 0

  local function line_of(name)
    return struct.pack('>Hc0', #name, name)
  end

  -- One more waits. gate: its own, if that is the one, so that the numbers are known.
  local function line_up(raw, live, name, gate)
    local post = posts.met(name, gate)
    post.waiting = post.waiting + 1
    live.waits, live.gate = true, name
    push(lined_up, 0, line_of(name) .. struct.pack('>I8', live.place) .. raw)
  end

  -- A job goes on without the gate at which it waits, or gives back the slot that it holds.
  local function leave(raw, live)
    if live.waits then
      local post = posts.of(live.gate)
      post.waiting, post.changed = math.max(0, post.waiting - 1), true
      push(struck, line_of(live.gate) .. struct.pack('>I8', live.place) .. raw)
    elseif live.passed then
      posts.give_back(live.gate)
      stirred[live.gate] = true
    end
    live.waits, live.passed, live.gate = false, false, ''
  end

  local function write_lines()
    send('ZADD', K.waiting, lined_up)
    send('ZREM', K.waiting, struck)
    lined_up, struck = {}, {}
  end

  -- The bounds of a gate's part of `waiting`.
  local function bounds_of(name)
    local first = line_of(name)
    return '[' .. first, '[' .. first .. string.rep('\255', PLACE_BYTES + 1)
  end

  -- After a place in line that was nobody's: its slot is free, and those who wait are counted anew.
  local function recount(name, has_passed)
    if has_passed then
      posts.give_back(name)
    end
    local post = posts.of(name)
    post.waiting, post.changed = call('ZLEXCOUNT', K.waiting, bounds_of(name)), true
  end

  -- Take the first in line out of it, into `through`. The slot of one who is not there is given back.
  local function take_first(post, count, has_passed, through)
    local low, high = bounds_of(post.name)
    local found = call('ZRANGEBYLEX', K.waiting, low, high, 'LIMIT', 0, count)
    for _, member in ipairs(found) do
      push(struck, member)
      local place, raw = struct.unpack('>I8c14', member, #member - PLACE_BYTES + 1)
      push(through, { raw = raw, place = place, gate = post.name, passed = has_passed })
    end
    if has_passed then
      post.used = post.used - (count - #found)
    end
    post.waiting = #found < count and 0 or post.waiting - #found
    post.changed, opened = true, opened + #found
  end

  -- Back to their old place in run order; answers them with their live parts. A place in line whose job is gone, or
  -- does not wait there, moves nobody and takes no slot.
  local function back_to_ready(through)
    local raws, no_longer_held, lives, ready, moved = {}, {}, {}, {}, {}
    for index, one in ipairs(through) do
      raws[index] = one.raw
    end
    for index, packed in ipairs(ask('HMGET', K.live, raws)) do
      local one, live = through[index], packed and read_live(packed)
      if live and live.waits and live.gate == one.gate then
        live.waits, live.passed, live.gate = false, one.passed, one.passed and one.gate or ''
        one.live = pack_live(live)
        push(moved, one)
        push(no_longer_held, one.raw)
        push(lives, one.raw, one.live)
        push(ready, exact(one.place), one.raw)
      else
        recount(one.gate, one.passed)
      end
    end
    if #moved > 0 then
      send('ZREM', K.held, no_longer_held)
      send('HSET', K.live, lives)
      send('ZADD', K.ready, ready)
      call('ZADD', K.wake, 0, '1')
    end
    return moved
  end

  -- Let those pass who may, first in line first, at most so many a gate.
  local function open_gates(names, most)
    write_lines()
    posts.load(names)
    local through = {}
    for _, name in ipairs(names) do
      local post, count = posts.of(name), 0
      while count < math.min(most, post.waiting, MOST_OPENED - opened) and posts.is_open(post) do
        posts.pay(post)
        count = count + 1
      end
      if count > 0 then
        take_first(post, count, true, through)
      end
    end
    write_lines()
    return back_to_ready(through)
  end

  -- Note a gate that may let somebody through now.
  local function stir(name)
    stirred[name] = true
  end

  -- Where slots or numbers have changed; answers who was let through.
  local function open_stirred()
    local names = {}
    for name in pairs(stirred) do
      push(names, name)
    end
    stirred = {}
    return #names > 0 and open_gates(names, MOST_OPENED) or {}
  end

  -- Those whose rate has come by now, and those for whom no slot was looked for yet.
  local function open_due(most)
    local names = call('ZRANGEBYSCORE', K.openings, '-inf', exact(now_ms()), 'LIMIT', 0, MOST_OPENED)
    posts.load(names)
    for _, name in ipairs(names) do
      local post = posts.of(name)
      post.changed, post.waited = true, true -- listed anew, or not any more
    end
    open_gates(names, most)
  end

  -- Those that wait for a worker who knows these tasks. They have passed nothing by that.
  local function serve_tasks(tasks, most)
    local through = {}
    for _, task in ipairs(tasks) do
      local post = posts.of('task:' .. task)
      write_lines()
      local count = math.min(most, post.waiting, MOST_OPENED - opened)
      if count > 0 then
        take_first(post, count, false, through)
      end
    end
    write_lines()
    back_to_ready(through)
  end

  -- At the end of every call that may have changed anything here; answers as `write` of lib/posts.lua does.
  local function write()
    write_lines()
    return posts.write()
  end

  return {
    posts = posts, stir = stir, line_up = line_up, leave = leave, open_due = open_due, serve = serve_tasks,
    open_stirred = open_stirred, write = write,
  }
end

-- What is done at gates; made for the first who needs it.
local function gates()
  gates_made = gates_made or make_gates()
  return gates_made
end

local function leave_gate(raw, live)
  if live.waits or live.passed then
    gates().leave(raw, live)
  end
end

-- The same for jobs that are being deleted, by their packed live parts.
local function leave_gates(raws, lives)
  for index, raw in ipairs(raws) do
    if lives[index] and is_gated(lives[index]) then
      leave_gate(raw, read_live(lives[index]))
    end
  end
end

local function open_stirred()
  return gates_made and gates_made.open_stirred() or {}
end

local function write_gates()
  return gates_made and gates_made.write()
end
