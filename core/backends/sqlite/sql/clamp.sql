-- After a jump of the clock: no lease ends later than one that begins now.
-- in:  the latest lease end, queue, the latest lease end

UPDATE job SET score = ? WHERE queue = ? AND state = 3 AND score > ?;
