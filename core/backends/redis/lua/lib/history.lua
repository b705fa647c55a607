-- What past attempts left behind: the last result, the last error, the newest lines.
-- Layout: length of the result + 1 or 0, the same of the error, result, error, then each line behind its length.

local KEPT_LINES = 10

local function parts_of(history)
  local result, failure, at = struct.unpack('>I4I4', history)
  local parts = { lines = {} }
  if result > 0 then
    parts.result = string.sub(history, at, at + result - 2)
    at = at + result - 1
  end
  if failure > 0 then
    parts.failure = string.sub(history, at, at + failure - 2)
    at = at + failure - 1
  end
  while at <= #history do
    local length = struct.unpack('>I4', history, at)
    push(parts.lines, string.sub(history, at + 4, at + 3 + length))
    at = at + 4 + length
  end
  return parts
end

-- The older history with what the newer one adds or replaces.
local function merged(older, newer)
  local past, new = parts_of(older), parts_of(newer)
  local result, failure = new.result or past.result, new.failure or past.failure
  for _, line in ipairs(new.lines) do
    push(past.lines, line)
  end
  local pieces = { struct.pack('>I4I4', result and #result + 1 or 0, failure and #failure + 1 or 0) }
  push(pieces, result or '', failure or '')
  for index = math.max(1, #past.lines - KEPT_LINES + 1), #past.lines do
    push(pieces, struct.pack('>I4', #past.lines[index]), past.lines[index])
  end
  return table.concat(pieces)
end
