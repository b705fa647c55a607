-- Switch a schedule that stands otherwise; what was missed while it was off stays missed.
-- in:  queue, key, enabled, now

UPDATE jobs.schedule
SET enabled = %(enabled)s, version = version + 1,
    last_fire_ms = CASE WHEN %(enabled)s THEN %(now)s ELSE last_fire_ms END
WHERE queue = %(queue)s AND key = %(key)s AND enabled <> %(enabled)s;
