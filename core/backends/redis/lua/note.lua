-- Keep what running handlers leave with their jobs.
-- keys: meta live notes
-- uses: base live notes
-- in: now, then notes: raw (14 bytes), token (8), note (lib/notes.lua)
-- out: raws that are no longer held under their token

local raws, tokens, news = {}, {}, {}
for index = 2, #ARGV do
  local raw, token, at = struct.unpack('>c14I8', ARGV[index])
  push(raws, raw)
  push(tokens, token)
  push(news, string.sub(ARGV[index], at))
end
local lives = ask('HMGET', K.live, raws)
local notes, flagged, kept, written, lost = notes_among(raws, lives), {}, {}, {}, {}
for index, raw in ipairs(raws) do
  local live, note = lives[index], news[index]
  if not live or tokens[index] == 0 or token_of(live) ~= tokens[index] then
    push(lost, raw)
  elseif says_something(note) then
    notes[raw] = notes[raw] and noted_over(notes[raw], note) or note
    kept[raw] = true
    if not has_notes(live) then
      push(flagged, raw, string.char(string.byte(live) + NOTES) .. string.sub(live, 2))
    end
  end
end
for raw in pairs(kept) do
  push(written, raw, notes[raw])
end
if #written > 0 then
  send('HSET', K.live, flagged)
  send('HSET', K.notes, written)
  call('HSET', K.meta, 'noted', '1')
end
return lost
