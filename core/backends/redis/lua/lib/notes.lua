-- What running handlers leave with their jobs. needs: base live
-- A field of `notes` is a note: length of the progress + 1 or 0, the same of the checkpoint and of the log, then these
-- three. 0 is nothing: in a field there is none, in a note on its way in it leaves what is there.

local NOTE = '>I4I4I4'

local function parts_of_note(note)
  local progress, checkpoint, log, at = struct.unpack(NOTE, note)
  local parts = {}
  for index, size in ipairs({ progress, checkpoint, log }) do
    if size > 0 then
      parts[index] = string.sub(note, at, at + size - 2)
      at = at + size - 1
    end
  end
  return parts[1], parts[2], parts[3]
end

local function pack_note(progress, checkpoint, log)
  local function size(part)
    return part and #part + 1 or 0
  end
  return struct.pack(NOTE, size(progress), size(checkpoint), size(log)) .. (progress or '') .. (checkpoint or '')
    .. (log or '')
end

-- The older note with what the newer one replaces.
local function noted_over(older, newer)
  local progress, checkpoint, log = parts_of_note(newer)
  if progress and checkpoint and log then
    return newer
  end
  local old_progress, old_checkpoint, old_log = parts_of_note(older)
  return pack_note(progress or old_progress, checkpoint or old_checkpoint, log or old_log)
end

local function says_something(note)
  local progress, checkpoint, log = struct.unpack(NOTE, note)
  return progress + checkpoint + log > 0
end

-- The notes of these jobs by raw id, asked for only where there may be some. lives: their live parts, or false.
local function notes_among(raws, lives)
  local noted, notes = {}, {}
  for index, raw in ipairs(raws) do
    if lives[index] and has_notes(lives[index]) then
      push(noted, raw)
    end
  end
  for index, note in ipairs(ask('HMGET', K.notes, noted)) do
    notes[noted[index]] = note
  end
  return notes
end

-- The checkpoints of those of these claims (lib/claims.lua) that may have notes, '' where there is none.
local function checkpoints_of(claims)
  local noted, checkpoints = {}, {}
  for index = 1, #claims, 3 do
    if has_notes(claims[index + 2]) then
      push(noted, claims[index])
    end
  end
  for index, note in ipairs(ask('HMGET', K.notes, noted)) do
    local _, checkpoint = parts_of_note(note or pack_note())
    checkpoints[index] = checkpoint or ''
  end
  return checkpoints
end

-- Of jobs that are completed only the log is kept.
local function close_notes(accepted)
  local completed, lives, kept, gone = {}, {}, {}, {}
  for _, o in ipairs(accepted) do
    if o.state == DONE then
      push(completed, o.raw)
      push(lives, o.packed)
    end
  end
  for raw, note in pairs(notes_among(completed, lives)) do
    local _, _, log = parts_of_note(note or pack_note())
    if log then
      push(kept, raw, pack_note(nil, nil, log))
    else
      push(gone, raw)
    end
  end
  send('HSET', K.notes, kept)
  send('HDEL', K.notes, gone)
end
