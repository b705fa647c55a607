-- Stop claims from a queue; the time of the first pause stays.
-- keys: meta
-- uses: base
-- in: now, reason
-- out: nothing

call('HSET', K.meta, 'paused', ARGV[2])
call('HSETNX', K.meta, 'paused_ms', exact(now_ms()))
