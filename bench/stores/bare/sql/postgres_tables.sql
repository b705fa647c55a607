-- The bare queue's tables, filled with what our store holds. Indexes are made afterwards, which is quicker.

CREATE SCHEMA bare;

CREATE TABLE bare.job (
    queue          int      NOT NULL,
    raw            bytea    NOT NULL,
    is_held        boolean  NOT NULL DEFAULT false,
    score          bigint   NOT NULL,
    body           bytea    NOT NULL,
    worker         text     COLLATE "C" NOT NULL DEFAULT '',
    lease_until_ms bigint   NOT NULL DEFAULT 0
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000
);

CREATE TABLE bare.done (
    queue       int    NOT NULL,
    raw         bytea  NOT NULL,
    finished_ms bigint NOT NULL,
    body        bytea  NOT NULL,
    result      bytea
);

INSERT INTO bare.job (queue, raw, is_held, score, body)
SELECT queue, raw, state <> 0, score, convert_to(task, 'UTF8') || '\x00' || arguments FROM jobs.job;

INSERT INTO bare.done (queue, raw, finished_ms, body, result)
SELECT queue, raw, finished_ms, convert_to(task, 'UTF8') || '\x00' || arguments, result FROM jobs.finished;

ALTER TABLE bare.job ADD PRIMARY KEY (queue, raw);

ALTER TABLE bare.done ADD PRIMARY KEY (queue, raw);

CREATE INDEX job_line ON bare.job (queue, score, raw) WHERE NOT is_held;

CREATE INDEX done_place ON bare.done (queue, finished_ms, raw);
