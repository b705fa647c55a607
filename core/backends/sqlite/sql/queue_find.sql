-- A queue's row.
-- in:  name
-- out: id, name, is_known, one count a state (in the order of codec.STATES), totals, last token, pause, rescue; or nothing

SELECT id, name, is_known, pending, scheduled, held, running, failed, completed, dead, cancelled, processed, failures,
       last_processed_ms, last_token, is_paused, paused_reason, paused_ms, rescued_ms, quarantine_ms
FROM queue
WHERE name = ?;
