-- Gates, and unique keys that are held otherwise than until their job has finished. Columns without a value cost a job
-- nothing.

-- Whether a job with a gate, or one that waits at one, ever came; where none did, no statement asks for gates.
ALTER TABLE jobs.queue ADD COLUMN has_gates boolean NOT NULL DEFAULT false;

-- gate: the name of its own gate, gate_packed: that gate as it was asked for. has_passed: it holds a slot there.
-- held_at: the gate at which a held job waits; run_score: its place in that line. has_key: it keeps others from its
-- unique key by its state. unique_kind: how long it holds it, as numbered in model/job.py.
ALTER TABLE jobs.job
    ADD COLUMN gate            text COLLATE "C",
    ADD COLUMN gate_packed     bytea,
    ADD COLUMN held_at         text COLLATE "C",
    ADD COLUMN run_score       bigint,
    ADD COLUMN has_passed      boolean  NOT NULL DEFAULT false,
    ADD COLUMN has_key         boolean  NOT NULL DEFAULT true,
    ADD COLUMN unique_kind     smallint NOT NULL DEFAULT 0,
    ADD COLUMN unique_until_ms bigint   NOT NULL DEFAULT 0;

ALTER TABLE jobs.finished
    ADD COLUMN gate            text COLLATE "C",
    ADD COLUMN gate_packed     bytea,
    ADD COLUMN unique_kind     smallint NOT NULL DEFAULT 0,
    ADD COLUMN unique_until_ms bigint   NOT NULL DEFAULT 0;

DROP INDEX jobs.job_unique_key;
CREATE UNIQUE INDEX job_unique_key ON jobs.job (queue, unique_key) WHERE has_key AND unique_key <> '';
CREATE INDEX job_passed  ON jobs.job (queue, gate) WHERE has_passed;
CREATE INDEX job_waiting ON jobs.job (queue, held_at, run_score, raw) WHERE state = 2 AND held_at IS NOT NULL;

-- Keys that are held for a time, whatever became of their jobs. While such a job lives, the index above keeps two who
-- come at once from both taking the key.
CREATE TABLE jobs.timed_key (
    queue      int    NOT NULL,
    unique_key text   COLLATE "C" NOT NULL,
    raw        bytea  NOT NULL,
    until_ms   bigint NOT NULL,
    PRIMARY KEY (queue, unique_key)
);
CREATE INDEX timed_key_end ON jobs.timed_key (queue, until_ms);

-- What is known of a gate beside its jobs: the numbers of the newest that came to it, how far its rate is used up,
-- whether somebody waits. opens_ms: when the next one may pass who waits; without a value when nobody waits or no slot
-- is free. awaited: the task that those who wait here wait for.
CREATE TABLE jobs.gate (
    queue         int     NOT NULL,
    name          text    COLLATE "C" NOT NULL,
    packed        bytea   NOT NULL,
    paid_until_us bigint  NOT NULL DEFAULT 0,
    waits         boolean NOT NULL DEFAULT false,
    opens_ms      bigint,
    awaited       text    COLLATE "C",
    PRIMARY KEY (queue, name)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX gate_opens   ON jobs.gate (queue, opens_ms) WHERE opens_ms IS NOT NULL;
CREATE INDEX gate_awaited ON jobs.gate (queue, awaited)  WHERE awaited IS NOT NULL;

-- Whoever decides at a gate holds the row that its name falls on. These rows are always there: a gate's own row may
-- not be yet, and inserting it would be a wait for a lock in no order.
CREATE TABLE jobs.gate_lock (slot int PRIMARY KEY);
INSERT INTO jobs.gate_lock SELECT generate_series(0, 1023);
