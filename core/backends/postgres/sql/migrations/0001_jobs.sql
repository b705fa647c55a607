-- The first schema. States are numbers as in SQLite: 0 pending, 1 scheduled, 2 held, 3 running, 4 failed (live, in
-- `job`), 5 completed, 6 dead, 7 cancelled (in `finished`). Times are UTC milliseconds from clock_timestamp().

-- `migration` is the number of the newest file in this folder that has run.
CREATE TABLE jobs.store (
    id         text   NOT NULL,
    format     int    NOT NULL,
    migration  int    NOT NULL,
    created_ms bigint NOT NULL
);

CREATE TABLE jobs.queue (
    id            int     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text    COLLATE "C" NOT NULL UNIQUE,
    is_known      boolean NOT NULL DEFAULT false,  -- ever held a job, a schedule or a pause: worth listing
    is_paused     boolean NOT NULL DEFAULT false,
    paused_reason text    NOT NULL DEFAULT '',
    paused_ms     bigint  NOT NULL DEFAULT 0,
    rescued_ms    bigint,
    quarantine_ms bigint  NOT NULL DEFAULT 0
);

-- A sequence and no counter in the queue's row: that row's lock would let one exchange a queue run at a time.
CREATE SEQUENCE jobs.token;

-- Live jobs. score is the run order even while running, so that a release puts the job back; the lease's end is in no
-- index, so that a renewal is a HOT update.
CREATE TABLE jobs.job (
    queue          int      NOT NULL,
    raw            bytea    NOT NULL,
    state          smallint NOT NULL,
    score          bigint   NOT NULL,
    task           text     NOT NULL,
    arguments      bytea    NOT NULL,
    options        bytea    NOT NULL,
    priority       smallint NOT NULL,
    max_attempts   int      NOT NULL,
    enqueued_ms    bigint   NOT NULL,
    ready_ms       bigint   NOT NULL,
    unique_key     text     COLLATE "C" NOT NULL,
    attempts       int      NOT NULL DEFAULT 0,
    forgiven       int      NOT NULL DEFAULT 0,
    losses         int      NOT NULL DEFAULT 0,
    token          bigint   NOT NULL DEFAULT 0,
    worker         text     COLLATE "C" NOT NULL DEFAULT '',
    claimed_ms     bigint   NOT NULL DEFAULT 0,
    lease_until_ms bigint   NOT NULL DEFAULT 0,
    cancel_asked   boolean  NOT NULL DEFAULT false,
    operations     text[]   NOT NULL DEFAULT '{}',  -- the newest of operators, newest first: a repeat acts once
    reason         text     NOT NULL DEFAULT '',
    result         bytea,
    error          bytea,
    lines          bytea[]  NOT NULL DEFAULT '{}',
    PRIMARY KEY (queue, raw)
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,  -- by number: the table is small and hot
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000
);

CREATE INDEX job_pending   ON jobs.job (queue, score, raw) WHERE state = 0;
CREATE INDEX job_scheduled ON jobs.job (queue, score, raw) WHERE state = 1;
CREATE INDEX job_held      ON jobs.job (queue, score, raw) WHERE state = 2;
CREATE INDEX job_running   ON jobs.job (queue, worker)     WHERE state = 3;
CREATE INDEX job_failed    ON jobs.job (queue, score, raw) WHERE state = 4;
CREATE UNIQUE INDEX job_unique_key ON jobs.job (queue, unique_key) WHERE unique_key <> '';

-- Finished jobs, a partition a day: retention drops partitions. The key must contain finished_ms, so uniqueness of
-- ids over both tables is job_add_check.sql's.
CREATE TABLE jobs.finished (
    queue        int      NOT NULL,
    raw          bytea    NOT NULL,
    state        smallint NOT NULL,
    finished_ms  bigint   NOT NULL,
    task         text     NOT NULL,
    arguments    bytea    NOT NULL,
    options      bytea    NOT NULL,
    priority     smallint NOT NULL,
    max_attempts int      NOT NULL,
    enqueued_ms  bigint   NOT NULL,
    unique_key   text     COLLATE "C" NOT NULL,
    attempts     int      NOT NULL,
    forgiven     int      NOT NULL,
    losses       int      NOT NULL,
    operations   text[]   NOT NULL,
    reason       text     NOT NULL,
    result       bytea,
    error        bytea,
    lines        bytea[]  NOT NULL,
    PRIMARY KEY (queue, raw, finished_ms)
) PARTITION BY RANGE (finished_ms);

CREATE INDEX finished_place ON jobs.finished (queue, state, finished_ms, raw);

-- Counts are sums over slots: with one row a queue every exchange would wait for the other's commit.
CREATE TABLE jobs.counter (
    queue             int      NOT NULL,
    slot              smallint NOT NULL,
    pending           bigint   NOT NULL DEFAULT 0,
    scheduled         bigint   NOT NULL DEFAULT 0,
    held              bigint   NOT NULL DEFAULT 0,
    running           bigint   NOT NULL DEFAULT 0,
    failed            bigint   NOT NULL DEFAULT 0,
    completed         bigint   NOT NULL DEFAULT 0,
    dead              bigint   NOT NULL DEFAULT 0,
    cancelled         bigint   NOT NULL DEFAULT 0,
    processed         bigint   NOT NULL DEFAULT 0,
    failures          bigint   NOT NULL DEFAULT 0,
    last_processed_ms bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (queue, slot)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A position is taken under the lock of its journal's head, which is held until the commit: who reads up to a position
-- has seen everything before it.
CREATE TABLE jobs.journal_head (
    queue  int    NOT NULL,
    stream text   COLLATE "C" NOT NULL,
    last   bigint NOT NULL,
    PRIMARY KEY (queue, stream)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE jobs.journal (
    queue    int    NOT NULL,
    stream   text   COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    lines    bytea  NOT NULL,
    PRIMARY KEY (queue, stream, position)
);

-- In slots, as the counters are.
CREATE TABLE jobs.minute (
    queue  int      NOT NULL,
    minute bigint   NOT NULL,
    metric text     COLLATE "C" NOT NULL,
    slot   smallint NOT NULL,
    n      bigint   NOT NULL,
    PRIMARY KEY (queue, minute, metric, slot)
) WITH (fillfactor = 70);

-- The last answer to each worker: the tokens of its claims instead of the claims, which are read again.
CREATE TABLE jobs.reply (
    worker  text     COLLATE "C" NOT NULL,
    queue   int      NOT NULL,
    call    bigint   NOT NULL,
    refused bytea[]  NOT NULL,
    tokens  bigint[] NOT NULL,
    at_ms   bigint   NOT NULL,
    PRIMARY KEY (worker, queue)
) WITH (fillfactor = 50);

CREATE TABLE jobs.worker (
    id         text    COLLATE "C" PRIMARY KEY,
    info       bytea   NOT NULL,
    started_ms bigint  NOT NULL,
    beat_ms    bigint  NOT NULL,
    quiet      boolean NOT NULL DEFAULT false,
    stop       boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE TABLE jobs.schedule (
    queue        int     NOT NULL,
    key          text    COLLATE "C" NOT NULL,
    spec         bytea   NOT NULL,
    enabled      boolean NOT NULL,
    version      bigint  NOT NULL,
    last_fire_ms bigint  NOT NULL,
    last_job     bytea   NOT NULL DEFAULT '',
    PRIMARY KEY (queue, key)
);
