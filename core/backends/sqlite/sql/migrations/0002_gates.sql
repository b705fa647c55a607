-- Gates, and unique keys that are held otherwise than by the state of their job. Both are tables of their own: a gate
-- has numbers of its own, and a key may stay taken when its job is gone.

-- What a job came with lies with its body, what changes about it in the row that every move rewrites.
ALTER TABLE body ADD COLUMN unique_for      INTEGER NOT NULL DEFAULT 0;  -- model/job.py, Unique
ALTER TABLE body ADD COLUMN unique_until_ms INTEGER NOT NULL DEFAULT 0;  -- of a key that is held for a time
ALTER TABLE body ADD COLUMN gate            BLOB;                        -- model/gate.py, Gate, packed; NULL: none
ALTER TABLE job  ADD COLUMN has_passed      INTEGER NOT NULL DEFAULT 0;  -- it holds a slot of its gate
ALTER TABLE job  ADD COLUMN held_at         TEXT    NOT NULL DEFAULT ''; -- the gate at which it waits

-- The line before a gate, in run order.
CREATE INDEX job_waiting ON job (queue, held_at, priority DESC, ready_ms, raw) WHERE held_at <> '';

-- A gate under the numbers of the newest job that came to it; one at rest has no row. used and waiting count jobs.
-- opens_ms: when the next of those who wait may pass if nothing but time goes by; NULL: never, or nobody waits.
CREATE TABLE gate (
    queue         INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    slots         INTEGER NOT NULL,
    interval_us   INTEGER NOT NULL,
    burst         INTEGER NOT NULL,
    used          INTEGER NOT NULL,
    waiting       INTEGER NOT NULL,
    paid_until_us INTEGER NOT NULL,
    opens_ms      INTEGER,
    PRIMARY KEY (queue, name)
) WITHOUT ROWID;

CREATE INDEX gate_opening ON gate (queue, opens_ms) WHERE opens_ms IS NOT NULL;

CREATE INDEX gate_at_rest ON gate (queue, paid_until_us) WHERE used = 0 AND waiting = 0;

-- Who has a unique key. until_ms 0: its job, as long as its state says so.
CREATE TABLE key_holder (
    queue    INTEGER NOT NULL,
    key      TEXT    NOT NULL,
    raw      BLOB    NOT NULL,
    until_ms INTEGER NOT NULL,
    PRIMARY KEY (queue, key)
) WITHOUT ROWID;

CREATE INDEX key_holder_until ON key_holder (queue, until_ms) WHERE until_ms > 0;

INSERT INTO key_holder (queue, key, raw, until_ms)
SELECT queue, unique_key, raw, 0 FROM job WHERE unique_key <> '' AND state < 5;

DROP INDEX job_unique_key;
