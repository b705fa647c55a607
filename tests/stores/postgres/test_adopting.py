"""Jobs of another store, where PostgreSQL is unlike it: days of long ago, and two who take over the same at once."""

import threading
from concurrent.futures import ThreadPoolExecutor

from core.backends.contract import Backend
from core.backends.postgres.partitions import DAY_MS
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.states import State

from .conftest import Ask, MakeJob

LONG_AGO = (400, 40, 39, 2)  # days


def finished(make_job: MakeJob, at_ms: int) -> StoredJob:
    raw = (at_ms - 1_000).to_bytes(6, "big") + make_job().raw[6:]  # an id tells when its job was made
    return StoredJob(
        ref=JobRef("mail", raw),
        state=State.DEAD,
        score=at_ms,
        task="shop.send",
        arguments=b"\x80",
        options=b"",
        priority=0,
        max_attempts=4,
        enqueued_ms=at_ms - 1_000,
        finished_ms=at_ms,
        lines=(b"\xc0", b'"\\'),
    )


def test_jobs_that_finished_long_ago_bring_their_days_along(store: Backend, make_job: MakeJob, ask: Ask, schema: str):
    now_ms = store.now_ms()
    jobs = [finished(make_job, now_ms - days * DAY_MS) for days in LONG_AGO]
    assert store.adopt("mail", jobs) == [True] * len(jobs)
    assert store.get([job.ref for job in jobs]) == jobs
    assert store.counts()[0].states[State.DEAD] == len(jobs)
    days = ask("SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass", f"{schema}.finished")
    assert days == [(len(LONG_AGO) + 2,)]  # beside today and tomorrow


def test_two_who_take_over_the_same_jobs_store_each_once(store: Backend, make_job: MakeJob):
    now_ms = store.now_ms()
    jobs = [finished(make_job, now_ms - number) for number in range(50)]
    start = threading.Barrier(2)

    def adopt() -> int:
        start.wait()
        return sum(store.adopt("mail", jobs))

    with ThreadPoolExecutor(2) as threads:
        taken = [future.result() for future in [threads.submit(adopt), threads.submit(adopt)]]
    assert sum(taken) == len(jobs)
    assert store.counts()[0].states[State.DEAD] == len(jobs)
