-- Let claims go on.
-- keys: meta ready openings wake
-- uses: base
-- in: now
-- out: nothing

call('HDEL', K.meta, 'paused', 'paused_ms')
if call('ZCARD', K.ready) > 0 or call('ZCARD', K.openings) > 0 then
  call('ZADD', K.wake, 0, '1')
end
