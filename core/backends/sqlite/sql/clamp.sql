-- After a jump of the clock: every lease ends between now and the end of one that begins now.
-- in:  now, the latest lease end, queue, now, the latest lease end

UPDATE job
SET score = max(?, min(score, ?))
WHERE queue = ? AND state = 3 AND score NOT BETWEEN ? AND ?;
