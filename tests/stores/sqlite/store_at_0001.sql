-- A store as schema 0001 left it: jobs in every state, unique keys, a journal, counters, a schedule, a paused queue.
-- Written by Connection.iterdump(); the numbers that lie in the file's header are set by the test.

BEGIN TRANSACTION;
CREATE TABLE body (
    job       INTEGER PRIMARY KEY,
    arguments BLOB NOT NULL,
    options   BLOB NOT NULL
);
INSERT INTO "body" VALUES(1,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(2,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(3,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(4,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(5,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(6,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(7,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(8,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(9,X'81A2746FA3616E6E',X'');
INSERT INTO "body" VALUES(10,X'81A2746FA3616E6E',X'');
CREATE TABLE ending (
    job     INTEGER PRIMARY KEY,
    result  BLOB,
    error   BLOB,
    line    BLOB NOT NULL,
    earlier BLOB NOT NULL DEFAULT x''
);
INSERT INTO "ending" VALUES(1,X'01',NULL,X'9101',X'');
INSERT INTO "ending" VALUES(2,NULL,X'93A145A16DA174',X'9101',X'');
INSERT INTO "ending" VALUES(3,NULL,NULL,X'9101',X'');
INSERT INTO "ending" VALUES(4,NULL,NULL,X'9101',X'');
INSERT INTO "ending" VALUES(5,NULL,X'93A145A16DA174',X'9101',X'');
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
INSERT INTO "job" VALUES(1,1,X'0000000000000005006F6C640000',5,1700000000000,'shop.send',0,4,1700000000000,1700000000000,'done',1,0,0,1,'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1700000000000,0,'','');
INSERT INTO "job" VALUES(2,1,X'0000000000000006006F6C640000',6,1700000001000,'shop.send',0,1,1700000001000,1700000001000,'dead',1,0,0,2,'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1700000001000,0,'','');
INSERT INTO "job" VALUES(3,1,X'0000000000000007006F6C640000',7,1700000002000,'shop.send',0,4,1700000002000,1700000002000,'',1,0,0,3,'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1700000002000,0,'','');
INSERT INTO "job" VALUES(4,1,X'0000000000000003006F6C640000',2,1700000003000,'shop.send',0,4,1700000003000,1700000003000,'held',1,0,0,4,'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1700000003000,0,'','');
INSERT INTO "job" VALUES(5,1,X'0000000000000004006F6C640000',4,1700003604000,'shop.send',0,4,1700000004000,1700000004000,'failed',1,0,0,5,'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1700000004000,0,'','');
INSERT INTO "job" VALUES(6,1,X'0000000000000008006F6C640000',3,1700000035000,'shop.send',0,4,1700000005000,1700000005000,'',1,0,0,6,'wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1700000005000,1,'stop-8','');
INSERT INTO "job" VALUES(7,1,X'0000000000000001006F6C640000',0,1672957674224520,'shop.send',5,4,1700000005000,1700000005000,'pending',0,0,0,0,'',0,0,'','');
INSERT INTO "job" VALUES(8,1,X'0000000000000002006F6C640000',1,1700003605000,'shop.send',0,4,1700000005000,0,'scheduled',0,0,0,0,'',0,0,'','');
INSERT INTO "job" VALUES(9,1,X'0000000000000009006F6C640000',0,1760918604446600,'shop.send',0,4,1700000005000,1700000005000,'',0,0,0,0,'',0,0,'','');
INSERT INTO "job" VALUES(10,2,X'000000000000000A006F6C640000',0,1760918604446600,'report.make',0,4,1700000005000,1700000005000,'',0,0,0,0,'',0,0,'','');
CREATE TABLE journal (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    queue    INTEGER NOT NULL,
    stream   TEXT    NOT NULL,
    lines    BLOB    NOT NULL
);
INSERT INTO "journal" VALUES(1,1,'completed',X'DC00019101');
INSERT INTO "journal" VALUES(2,1,'failures',X'DC00019101');
INSERT INTO "journal" VALUES(3,1,'failures',X'DC00019101');
CREATE TABLE minute (
    queue  INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    metric TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (queue, minute, metric)
) WITHOUT ROWID;
INSERT INTO "minute" VALUES(1,28333333,'shop.send:done',5);
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
INSERT INTO "queue" VALUES(1,'mail',1,2,1,1,1,1,1,1,1,4,2,1700000004000,6,0,'',0,NULL,0);
INSERT INTO "queue" VALUES(2,'reports',1,1,0,0,0,0,0,0,0,0,0,0,0,1,'quiet please',1700000005000,NULL,0);
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
INSERT INTO "reply" VALUES('wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww',1,11,X'',6,6,1700000005000);
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
INSERT INTO "schedule" VALUES(1,'nightly',X'80',1,1,1700000005000,X'');
CREATE TABLE store (
    id         TEXT    NOT NULL,
    format     INTEGER NOT NULL,
    created_ms INTEGER NOT NULL
);
INSERT INTO "store" VALUES('79a263a2c7c4402b96cb6a46db917bb1',1,1700000000000);
CREATE TABLE worker (
    id         TEXT    PRIMARY KEY,
    info       BLOB    NOT NULL,
    started_ms INTEGER NOT NULL,
    beat_ms    INTEGER NOT NULL,
    quiet      INTEGER NOT NULL DEFAULT 0,
    stop       INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE UNIQUE INDEX job_ref ON job (queue, raw);
CREATE INDEX job_place ON job (queue, state, score, raw);
CREATE UNIQUE INDEX job_unique_key ON job (queue, unique_key) WHERE unique_key <> '' AND state < 5;
CREATE INDEX job_asked ON job (queue, worker) WHERE cancel_asked = 1;
CREATE TRIGGER job_gone AFTER DELETE ON job BEGIN
    DELETE FROM body   WHERE job = OLD.id;
    DELETE FROM ending WHERE job = OLD.id;
END;
CREATE INDEX journal_place ON journal (queue, stream, position);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',3);
COMMIT;
