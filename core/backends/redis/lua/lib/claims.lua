-- The shape in which claims leave: raw, record, live, one after the other. needs: base live

-- Claims among raws that are held under the tokens first, first + 1, ...
local function claims_held(raws, first)
  local lives, records, claims = ask('HMGET', K.live, raws), ask('HMGET', K.job, raws), {}
  for index, raw in ipairs(raws) do
    if lives[index] and records[index] and token_of(lives[index]) == first + index - 1 then
      push(claims, raw, records[index])
      push(claims, lives[index])
    end
  end
  return claims
end
