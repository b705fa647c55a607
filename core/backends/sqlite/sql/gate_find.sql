-- A gate.
-- in:  queue name, name
-- out: slots, interval_us, burst, used, waiting, paid_until_us; or nothing

SELECT slots, interval_us, burst, used, waiting, paid_until_us
FROM gate
WHERE queue = (SELECT id FROM queue WHERE queue.name = ?) AND name = ?;
