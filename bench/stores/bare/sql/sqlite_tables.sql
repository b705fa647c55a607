-- The bare queue's tables, filled with what our store holds. Indexes are made afterwards, which is quicker.

CREATE TABLE job (
    id     INTEGER PRIMARY KEY,
    queue  INTEGER NOT NULL,
    raw    BLOB    NOT NULL,
    state  INTEGER NOT NULL,
    score  INTEGER NOT NULL,
    worker TEXT    NOT NULL DEFAULT '',
    body   BLOB    NOT NULL
);

CREATE TABLE ending (
    job    INTEGER PRIMARY KEY,
    result BLOB
);

CREATE TABLE queue (
    id        INTEGER PRIMARY KEY,
    processed INTEGER NOT NULL
);

INSERT INTO job (id, queue, raw, state, score, body)
SELECT job.id, queue, raw, state, score, CAST(task || ' ' || arguments AS BLOB)
FROM theirs.job AS job CROSS JOIN theirs.body AS body ON body.job = job.id;

INSERT INTO ending (job, result) SELECT job, result FROM theirs.ending;

INSERT INTO queue (id, processed) SELECT id, 0 FROM theirs.queue;

CREATE UNIQUE INDEX job_ref ON job (queue, raw);

CREATE INDEX job_place ON job (queue, state, score, raw);
