-- Gates by their numbers: who may pass, and when. needs: base
-- Functions in a function, which is called where there are gates: most calls meet none, and pay for none.
-- A post is what `gates` holds of a gate: limit, interval, burst (0: no job has told its numbers yet), how many hold a
-- slot, how many wait, and up to which microsecond its rate is used; 8 bytes each. The rules are core/model/gate.py.
-- Posts are changed here and written once, by `write`.

local POST = '>I8I8I8I8I8I8'

local function make_posts()
  local now, posts = now_ms(), {} -- by name

  local function load(names)
    local missing = {}
    for _, name in ipairs(names) do
      if not posts[name] then
        posts[name] = { name = name, limit = 0, interval = 0, burst = 0, used = 0, waiting = 0, paid = 0 }
        push(missing, name)
      end
    end
    for index, packed in ipairs(ask('HMGET', K.gates, missing)) do
      if packed then
        local post = posts[missing[index]]
        post.limit, post.interval, post.burst, post.used, post.waiting, post.paid = struct.unpack(POST, packed)
        post.waited = post.waiting > 0
      end
    end
  end

  local function post_of(name)
    if not posts[name] then
      load({ name })
    end
    return posts[name]
  end

  local function has_slot(post)
    return post.limit == 0 or post.used < post.limit
  end

  -- The millisecond from which the rate lets the next one pass; 0 without a rate, whatever the clock did.
  local function opens_at(post)
    return post.interval == 0 and 0 or math.ceil((post.paid - (math.max(post.burst, 1) - 1) * post.interval) / 1000)
  end

  local function is_open(post)
    return has_slot(post) and opens_at(post) <= now
  end

  -- Whether it could be made anew as well: an open gate may still owe a part of its burst.
  local function is_idle(post)
    return post.used == 0 and post.waiting == 0 and post.paid <= now * 1000
  end

  -- Take over the numbers that a job brings.
  local function tell(post, gate)
    post.limit, post.interval, post.burst, post.changed = gate.limit, gate.interval, gate.burst, true
  end

  -- One more has passed by the rules.
  local function pay(post)
    post.paid = math.max(now * 1000, post.paid) + post.interval
    post.used, post.changed = post.used + 1, true
  end

  -- Whether a job that comes to its gate may pass at once; if so, it has.
  local function passes(gate)
    local post = post_of(gate.name)
    tell(post, gate)
    if post.waiting > 0 or not is_open(post) then
      return false
    end
    pay(post)
    return true
  end

  -- A gate with the numbers it has, or, if it is as good as new, with those that a job brings.
  local function met(name, gate)
    local post = post_of(name)
    if gate and (post.burst == 0 or is_idle(post)) then
      tell(post, gate)
    end
    post.changed = true
    return post
  end

  -- One more has passed by order, whatever the rules say.
  local function enter(gate)
    local post = met(gate.name, gate)
    post.used = post.used + 1
  end

  -- One that passed gives its slot back.
  local function give_back(name)
    local post = post_of(name)
    post.used, post.changed = math.max(0, post.used - 1), true
  end

  -- Keep a gate on the lists of those at which somebody waits: for a worker who knows a task; for time, or a claim.
  local function list_post(post, lists)
    local task, has_numbers = string.match(post.name, '^task:(.+)$'), post.burst > 0
    if task and post.waiting > 0 then
      push(lists.awaited, 0, task)
    elseif task then
      push(lists.served, task)
    end
    if post.waiting > 0 and has_numbers and has_slot(post) then
      push(lists.opening, exact(math.max(0, opens_at(post))), post.name)
    else
      push(lists.closed, post.name)
    end
  end

  -- A gate that nobody waits at or has passed is forgotten once its rate is as after a long rest. Answers whether
  -- somebody waits at one of those that were looked at.
  local function write()
    local kept, idle, any_waits = {}, {}, false
    local lists = { awaited = {}, served = {}, opening = {}, closed = {} }
    for name, post in pairs(posts) do
      if post.changed and is_idle(post) then
        push(idle, name)
      elseif post.changed then
        push(kept, name, struct.pack(POST, post.limit, post.interval, post.burst, post.used, post.waiting, post.paid))
      end
      if post.changed and (post.waiting > 0 or post.waited) then
        list_post(post, lists)
      end
      any_waits = any_waits or post.waiting > 0
      post.changed, post.waited = false, post.waiting > 0
    end
    send('HSET', K.gates, kept)
    send('HDEL', K.gates, idle)
    send('ZADD', K.awaited, lists.awaited)
    send('ZREM', K.awaited, lists.served)
    send('ZADD', K.openings, lists.opening)
    send('ZREM', K.openings, lists.closed)
    if any_waits then
      call('HSET', K.meta, 'waits', '1') -- or nobody looks at `openings` and `awaited`
    end
    return any_waits
  end

  return {
    load = load, of = post_of, is_open = is_open, met = met, pay = pay, passes = passes, enter = enter,
    give_back = give_back, write = write,
  }
end
