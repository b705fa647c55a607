"""A hot queue in several partitions: who goes where, and verbs for all of them."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from core.app import Jobs
from core.config import read_config
from core.errors import ConfigError, InvalidInput
from core.model.gate import Gate
from core.model.ident import JobRef, new_raw
from core.model.job import NewJob
from core.model.partition import Partitions, queue_of
from core.model.states import State
from core.tasks.compose import chain
from core.tasks.registry import Registry

FOUR = Partitions({"mail": 4})


def job(queue: str = "mail", **fields: Any) -> NewJob:
    return NewJob(queue=queue, raw=new_raw(), task="t", arguments=b"\x80", **fields)


def test_a_queue_is_the_first_of_its_partitions() -> None:
    assert FOUR.of("mail") == ("mail", "mail@1", "mail@2", "mail@3")
    assert FOUR.of_all(["slow", "mail@2"]) == ("slow", "mail@2")
    assert queue_of("mail@3") == queue_of("mail") == "mail"


def test_jobs_spread_evenly() -> None:
    spread = Counter(FOUR.route(job()).queue for _ in range(4_000))
    assert spread.keys() == set(FOUR.of("mail"))
    assert min(spread.values()) > 850


def test_jobs_that_share_a_key_or_a_gate_stay_together() -> None:
    assert len({FOUR.route(job(unique_key="welcome:7")).queue for _ in range(50)}) == 1
    assert len({FOUR.route(job(gate=Gate("limit:send=7"))).queue for _ in range(50)}) == 1
    assert len({FOUR.route(job(gate=Gate(f"limit:send={n}"))).queue for n in range(50)}) == 4


def test_other_queues_and_named_partitions_stay_as_they_are() -> None:
    assert FOUR.route(job("slow")).queue == "slow"
    assert FOUR.route(job("mail@2")).queue == "mail@2"


def test_a_public_id_names_its_partition() -> None:
    ref = JobRef("mail@3", new_raw())
    assert JobRef.parse(str(ref)) == ref


@pytest.mark.parametrize("queue", ["m" * 61 + "@999", "mail@", "mail@0", "mail@01", "mail@1000", "@1", "mail@1@2"])
def test_what_is_no_partition_is_refused(queue: str) -> None:
    with pytest.raises(InvalidInput):
        JobRef.parse(f"{queue}~{'0' * 23}")


@pytest.mark.parametrize("text", ["mail", "mail=0", "mail=x", "mail@1=2", "mail=1001"])
def test_a_wrong_setting_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="mail=4,hot=8"):
        read_config(environment={"JOBS_PARTITIONS": text})


def test_settings_from_the_environment_and_from_code() -> None:
    assert read_config(environment={"JOBS_PARTITIONS": "mail=4, hot=8"}).partitions == {"mail": 4, "hot": 8}
    assert read_config(environment={}, settings={"PARTITIONS": {"mail": 4}}).partitions == {"mail": 4}


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs("memory://", registry=Registry(), partitions={"mail": 4}, poll_interval=0.02)
    yield made
    made.close()


def test_operators_act_on_all_partitions(jobs: Jobs) -> None:
    task = jobs.register("work", lambda n: n, queue="mail")
    jobs.enqueue_many([task.request(n) for n in range(200)])
    jobs.control.pause("mail", reason="down")
    assert [counts.is_paused for counts in jobs.stats()] == [True] * 4
    jobs.control.resume("mail")
    assert [counts.is_paused for counts in jobs.stats()] == [False] * 4
    assert jobs.control.purge("mail", State.PENDING) == 200


def test_a_worker_of_the_queue_serves_all_partitions_and_follow_ups_spread_too(jobs: Jobs) -> None:
    first = jobs.register("first", lambda n: n, queue="mail")
    second = jobs.register("second", lambda n: n, queue="mail")
    handles = jobs.enqueue_many([chain(first.request(n), second.request()).as_request() for n in range(40)])
    with jobs.running(queues=["mail"], concurrency=4):
        assert [handle.result(timeout=20) for handle in handles] == list(range(40))
        until = time.monotonic() + 20
        while sum(counts.states[State.COMPLETED] for counts in jobs.stats()) < 80 and time.monotonic() < until:
            time.sleep(0.02)
    spread = {counts.queue: counts.states[State.COMPLETED] for counts in jobs.stats()}
    assert sum(spread.values()) == 80
    assert len(spread) == 4
