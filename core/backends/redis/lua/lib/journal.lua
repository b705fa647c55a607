-- The two journals: one entry a batch, the lines of accepted outcomes as one MessagePack array. needs: base

local STREAMS = { 'failures', 'completed' } -- as outcomes number them
local MOST_ENTRIES = { failures = 400000, completed = 8000 } -- a roof; `tidy` keeps what retention says
local POSITIONS = { failures = 'at_failures', completed = 'at_completed' }

-- Answers the newest positions as fields and values of `meta`.
local function write_journals(accepted)
  local positions = {}
  for index, stream in ipairs(STREAMS) do
    local lines = {}
    for _, o in ipairs(accepted) do
      if o.stream == index and o.line > 0 then
        push(lines, string.sub(o.history, -o.line))
      end
    end
    if #lines > 0 then
      local entry = '\220' .. struct.pack('>H', #lines) .. table.concat(lines)
      push(positions, POSITIONS[stream], call('XADD', K[stream], 'MAXLEN', '~', MOST_ENTRIES[stream], '*', 'l', entry))
    end
  end
  return positions
end
