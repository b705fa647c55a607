"""Queues as a command line says them, and the bound of one queue in one worker."""

import threading
import time
from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.errors import InvalidInput
from core.tasks.registry import Registry
from core.worker.quota import Quota
from core.worker.shares import Served, Shares, read_queues, split_queues

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    made = Jobs("memory://", registry=Registry(), poll_interval=0.02, batch=10)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "served"),
    [
        ("", Served()),
        ("a, b", Served(("a", "b"))),
        ("a=3,b", Served(("a", "b"), Shares({"a": 3, "b": 1}, {}))),
        ("mail:4,default:8", Served(("mail", "default"), Shares({}, {"mail": 4, "default": 8}))),
        ("b,a=2:1", Served(("b", "a"), Shares({"b": 1, "a": 2}, {"a": 1}))),
    ],
)
def test_what_may_be_said(text: str, served: Served) -> None:
    assert read_queues(split_queues(text)) == served


@pytest.mark.parametrize(
    "text", ["a,a", "a=3,a:1", "a=0", "a:0", "a=", "a:x", "a:1=2", "a b", ",", "a,", "../x", "a=10000"]
)
def test_what_may_not_is_named_with_its_option(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_queues(split_queues(text), path="--queues")
    assert refused.value.path == "--queues"


def test_a_bound_counts_partitions_together_and_leaves_others_alone() -> None:
    quota = Quota({"a": 3})
    quota.took("a", 1)
    quota.took("a@1", 1)
    quota.took("b", 50)
    assert (quota.room("a@2", 10), quota.room("b", 10), list(quota.shut)) == (1, 10, [])
    quota.took("a@2", 1)
    assert (quota.room("a", 10), list(quota.shut)) == (0, ["a"])
    quota.let_go("a@1")
    assert quota.room("a", 10) == 1


def test_no_more_of_a_queue_run_at_once_than_its_bound_and_the_rest_is_for_others(jobs: Jobs) -> None:
    lock = threading.Lock()
    now, most = {"mail": 0, "default": 0}, {"mail": 0, "default": 0}
    others = threading.Event()

    def work(queue: str) -> None:
        with lock:
            now[queue] += 1
            most[queue] = max(most[queue], now[queue])
            if now["default"] >= 4:
                others.set()
        if queue == "default":
            others.wait(10)
        time.sleep(0.005)
        with lock:
            now[queue] -= 1

    task = jobs.register("work", work)
    mails = [task.using(queue="mail").request(queue="mail") for _ in range(40)]
    made = jobs.enqueue_many([*mails, *(task.request(queue="default") for _ in range(10))])
    with jobs.running(concurrency=6, queues=["mail:2", "default"]):
        for job in made:
            job.result(timeout=30)
    assert most["mail"] == 2
    assert most["default"] >= 4


def test_a_worker_at_every_bound_sleeps(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end, calls = threading.Event(), [0]
    really = jobs.backend.exchange

    def counted(call: object) -> object:
        calls[0] += 1
        return really(call)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs.backend, "exchange", counted)
    task = jobs.register("wait", lambda: may_end.wait(20))
    made = jobs.enqueue_many([task.request() for _ in range(3)])
    with jobs.running(concurrency=4, queues=["default:1"]):
        time.sleep(1.0)
        during = calls[0]
        may_end.set()
        assert [job.result(timeout=20) for job in made] == [True] * 3
    assert during < 20
