-- The first schema. States are numbers: 0 pending, 1 scheduled, 2 held, 3 running, 4 failed (all live),
-- 5 completed, 6 dead, 7 cancelled. Times are UTC milliseconds.

CREATE TABLE store (
    id         TEXT    NOT NULL,
    format     INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);

-- A queue's row carries its counters: they change in the transaction that moves its jobs.
CREATE TABLE queue (
    id                INTEGER PRIMARY KEY,
    name              TEXT    NOT NULL UNIQUE,
    is_known          INTEGER NOT NULL DEFAULT 0,   -- ever held a job, a schedule or a pause: worth listing
    pending           INTEGER NOT NULL DEFAULT 0,
    scheduled         INTEGER NOT NULL DEFAULT 0,
    held              INTEGER NOT NULL DEFAULT 0,
    running           INTEGER NOT NULL DEFAULT 0,
    failed            INTEGER NOT NULL DEFAULT 0,
    completed         INTEGER NOT NULL DEFAULT 0,
    dead              INTEGER NOT NULL DEFAULT 0,
    cancelled         INTEGER NOT NULL DEFAULT 0,
    processed         INTEGER NOT NULL DEFAULT 0,
    failures          INTEGER NOT NULL DEFAULT 0,
    last_processed_ms INTEGER NOT NULL DEFAULT 0,
    last_token        INTEGER NOT NULL DEFAULT 0,
    is_paused         INTEGER NOT NULL DEFAULT 0,
    paused_reason     TEXT    NOT NULL DEFAULT '',
    paused_ms         INTEGER NOT NULL DEFAULT 0,
    rescued_ms        INTEGER,                      -- the last pass of rescue; NULL before the first
    quarantine_ms     INTEGER NOT NULL DEFAULT 0    -- no rescue before this time
);

-- What changes about a job, kept narrow: arguments and results lie apart, so that a claim and a settle never
-- rewrite them. score is the place in the state's natural order: run order while pending, due time while scheduled
-- or failed, since when while held, lease end while running, finish time afterwards.
CREATE TABLE job (
    id           INTEGER PRIMARY KEY,
    queue        INTEGER NOT NULL,
    raw          BLOB    NOT NULL,
    state        INTEGER NOT NULL,
    score        INTEGER NOT NULL,
    task         TEXT    NOT NULL,
    priority     INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    enqueued_ms  INTEGER NOT NULL,
    ready_ms     INTEGER NOT NULL,
    unique_key   TEXT    NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    forgiven     INTEGER NOT NULL DEFAULT 0,
    losses       INTEGER NOT NULL DEFAULT 0,
    token        INTEGER NOT NULL DEFAULT 0,
    worker       TEXT    NOT NULL DEFAULT '',
    claimed_ms   INTEGER NOT NULL DEFAULT 0,
    cancel_asked INTEGER NOT NULL DEFAULT 0,
    operation    TEXT    NOT NULL DEFAULT '',       -- the newest of operators, a line each: a repeat acts once
    reason       TEXT    NOT NULL DEFAULT ''
);

CREATE UNIQUE INDEX job_ref ON job (queue, raw);

-- Every claim, promotion, page, trim and rescue walks this one.
CREATE INDEX job_place ON job (queue, state, score, raw);

-- A key is taken while its job lives: no second structure that could disagree.
CREATE UNIQUE INDEX job_unique_key ON job (queue, unique_key) WHERE unique_key <> '' AND state < 5;

CREATE INDEX job_asked ON job (queue, worker) WHERE cancel_asked = 1;

CREATE TABLE body (
    job       INTEGER PRIMARY KEY,
    arguments BLOB NOT NULL,
    options   BLOB NOT NULL
);

-- What attempts left behind: line is the newest attempt, earlier the packed list of those before it.
CREATE TABLE ending (
    job     INTEGER PRIMARY KEY,
    result  BLOB,
    error   BLOB,
    line    BLOB NOT NULL,
    earlier BLOB NOT NULL DEFAULT x''
);

CREATE TRIGGER job_gone AFTER DELETE ON job BEGIN
    DELETE FROM body   WHERE job = OLD.id;
    DELETE FROM ending WHERE job = OLD.id;
END;

-- AUTOINCREMENT: a position is never given twice, even after everything was trimmed.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    queue    INTEGER NOT NULL,
    stream   TEXT    NOT NULL,
    lines    BLOB    NOT NULL
);

CREATE INDEX journal_place ON journal (queue, stream, position);

CREATE TABLE minute (
    queue  INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    metric TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (queue, minute, metric)
) WITHOUT ROWID;

-- The last answer to each worker: the tokens of its claims instead of the claims, which are read again.
CREATE TABLE reply (
    worker      TEXT    NOT NULL,
    queue       INTEGER NOT NULL,
    call        INTEGER NOT NULL,
    refused     BLOB    NOT NULL,
    first_token INTEGER NOT NULL,
    last_token  INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (worker, queue)
) WITHOUT ROWID;

CREATE TABLE worker (
    id         TEXT    PRIMARY KEY,
    info       BLOB    NOT NULL,
    started_ms INTEGER NOT NULL,
    beat_ms    INTEGER NOT NULL,
    quiet      INTEGER NOT NULL DEFAULT 0,
    stop       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE schedule (
    queue        INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    spec         BLOB    NOT NULL,
    enabled      INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    last_fire_ms INTEGER NOT NULL,
    last_job     BLOB    NOT NULL DEFAULT x'',
    PRIMARY KEY (queue, key)
) WITHOUT ROWID;
