-- How a gate stands.
-- keys: gates
-- uses: base
-- reads only
-- in: now, name
-- out: now, its post (lib/posts.lua) or nil

return { now_ms(), call('HGET', K.gates, ARGV[2]) }
