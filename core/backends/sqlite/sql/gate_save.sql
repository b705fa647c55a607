-- Store a gate as it is now.
-- in:  queue, name, slots, interval_us, burst, used, waiting, paid_until_us, opens_ms

INSERT OR REPLACE INTO gate (queue, name, slots, interval_us, burst, used, waiting, paid_until_us, opens_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
