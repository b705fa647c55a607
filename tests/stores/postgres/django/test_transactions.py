"""Enqueueing in transactions of Django on PostgreSQL: one with the rows where it can be, else after the commit."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import DatabaseError, connections, transaction
from django.test import override_settings
from psycopg import IsolationLevel
from structlog.testing import capture_logs

from core.app import Jobs
from core.backends.postgres.backend import open_url
from core.errors import StoreUnavailable
from core.model.states import State
from core.tasks.declare import task
from core.tasks.registry import Registry
from jobs_dashboard.bridge import unit_of_work as bridge
from jobs_dashboard.bridge.prompt import PromptBackend
from jobs_dashboard.bridge.unit_of_work import Transactions
from jobs_dashboard.bridge.wiring import use
from jobs_dashboard.checks import check_joining

ALIAS = "beside"
Ask = Callable[..., list[Any]]

_numbers = itertools.count()


@pytest.fixture
def jobs(url: str, registry: Registry) -> Iterator[Jobs]:
    opened = Jobs(url, registry=registry, unit_of_work=Transactions(joins=True))
    yield opened
    opened.close()


def stored(jobs: Jobs) -> int:
    return sum(counts.states[State.PENDING] for counts in jobs.stats())


def pooled() -> dict[str, Any]:
    return {"OPTIONS": {"pool": {"min_size": 1, "max_size": 2}}}


def bound_by_the_server() -> dict[str, Any]:
    return {"OPTIONS": {"server_side_binding": True}}


def serializable() -> dict[str, Any]:
    return {"OPTIONS": {"isolation_level": IsolationLevel.SERIALIZABLE}}


def preparing() -> dict[str, Any]:
    return {"OPTIONS": {"prepare_threshold": 0}}


@pytest.mark.parametrize("change", [dict, pooled, bound_by_the_server, serializable, preparing])
def test_job_and_row_are_committed_together(
    jobs: Jobs, use_database: Callable[..., Any], write: Callable[[int], None], orders: Callable[[], int], change: Any
) -> None:
    use_database(**change())
    with transaction.atomic(using=ALIAS):
        write(1)
        job = jobs.enqueue("ship", order=1)
        again = jobs.client.request("ship", {"order": 1}, unique_key="one")
        assert [handle.created for handle in jobs.enqueue_many([again, again])] == [True, False]
        assert (job.created, job.get(), stored(jobs), orders()) == (True, None, 0, 0)

    assert (job.get().state, stored(jobs), orders()) == ("pending", 2, 1)


def test_job_and_row_are_rolled_back_together(
    jobs: Jobs, use_database: Callable[..., Any], write: Callable[[int], None], orders: Callable[[], int]
) -> None:
    use_database()
    with transaction.atomic(using=ALIAS):
        jobs.enqueue("ship", order=1)  # the first statement of the transaction
        write(1)
        transaction.set_rollback(True, using=ALIAS)

    assert (jobs.stats(), orders()) == ([], 0)


def test_a_job_of_an_inner_block_goes_with_it(jobs: Jobs, use_database: Callable[..., Any]) -> None:
    use_database()
    with transaction.atomic(using=ALIAS):
        kept = jobs.enqueue("ship", order=1)
        with transaction.atomic(using=ALIAS):
            lost = jobs.enqueue("ship", order=2)
            transaction.set_rollback(True, using=ALIAS)

    assert (kept.get() is not None, lost.get(), stored(jobs)) == (True, None, 1)


def test_a_store_that_says_no_leaves_the_transaction_good(
    jobs: Jobs, use_database: Callable[..., Any], write: Callable[[int], None], orders: Callable[[], int], ask: Ask,
    schema: str,
) -> None:  # fmt: skip
    use_database()
    with transaction.atomic(using=ALIAS):
        jobs.enqueue("ship", order=1)
    ask(f"ALTER TABLE {schema}.job ADD CONSTRAINT short CHECK (octet_length(arguments) < 9)")
    with transaction.atomic(using=ALIAS):
        with pytest.raises(StoreUnavailable):
            jobs.enqueue("ship", order=1 << 60)
        write(1)

    assert (stored(jobs), orders()) == (1, 1)


def test_in_a_broken_transaction_django_says_so(jobs: Jobs, use_database: Callable[..., Any]) -> None:
    use_database()
    with transaction.atomic(using=ALIAS):
        with pytest.raises(DatabaseError), transaction.atomic(using=ALIAS, savepoint=False):
            connections[ALIAS].cursor().execute("SELECT 1/0")
        with pytest.raises(transaction.TransactionManagementError):
            jobs.enqueue("ship", order=1)

    assert jobs.stats() == []


def test_workers_are_woken_by_the_commit(jobs: Jobs, use_database: Callable[..., Any]) -> None:
    use_database()
    with jobs.running(concurrency=1), transaction.atomic(using=ALIAS):
        job = jobs.enqueue("ship", order=7)
    assert job.get() is not None
    with jobs.running(concurrency=1):
        assert job.result(timeout=10) == 7


def test_nothing_is_lost_or_run_early_among_many(
    jobs: Jobs, use_database: Callable[..., Any], ask: Ask, schema: str, registry: Registry
) -> None:
    """Eight threads commit and roll back while workers claim; a job that runs finds its row committed."""
    use_database()
    early: list[int] = []
    ran: list[int] = []

    @task(name="look", registry=registry)
    def look(order: int) -> None:
        ran.append(order)
        if not ask(f"SELECT id FROM orders_{schema} WHERE id = {order}"):
            early.append(order)

    def produce(thread: int) -> None:
        try:
            for turn in range(15):
                number = thread * 100 + turn
                with transaction.atomic(using=ALIAS):
                    with connections[ALIAS].cursor() as cursor:
                        cursor.execute(f"INSERT INTO orders_{schema} VALUES (%s)", [number])
                    jobs.enqueue("look", order=number)
                    transaction.set_rollback(turn % 3 == 2, using=ALIAS)
        finally:
            connections[ALIAS].close()

    with jobs.running(concurrency=4):
        threads = [threading.Thread(target=produce, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        expected = sorted(id for (id,) in ask(f"SELECT id FROM orders_{schema}"))
        for handle in jobs.recent(state="pending", limit=1000):
            jobs.result(handle.id, timeout=30)
    [counts] = jobs.stats()

    assert (sorted(ran), early) == (expected, [])
    assert len(expected) == 8 * 10
    assert (counts.processed, counts.states[State.PENDING], counts.states[State.RUNNING]) == (80, 0, 0)


def test_the_web_joins_without_a_hop_to_another_thread(
    url: str, registry: Registry, use_database: Callable[..., Any]
) -> None:
    use_database()
    backend: Any = PromptBackend(lambda: opened(url))
    web = Jobs(url, registry=registry, backend=backend, unit_of_work=Transactions(joins=True))
    with transaction.atomic(using=ALIAS):
        job = web.enqueue("ship", order=1)
        assert (job.created, job.get()) == (True, None)

    assert job.get() is not None
    web.close()


def test_the_web_waits_for_no_store_that_hangs(url: str, registry: Registry, use_database: Callable[..., Any]) -> None:
    use_database()
    ended = threading.Event()
    backend: Any = PromptBackend(lambda: ended.wait(20) and opened(url), patience_s=0.1)
    web = Jobs(url, registry=registry, backend=backend, unit_of_work=Transactions(joins=True))
    with transaction.atomic(using=ALIAS):
        with pytest.raises(StoreUnavailable, match=r"within 0\.1 s"):
            web.enqueue("ship", order=1)
        connections[ALIAS].cursor().execute("SELECT 1")
    ended.set()
    web.close()


# Where it cannot be one.


def test_another_database_waits_for_the_commit_and_says_why_once(
    jobs: Jobs, use_database: Callable[..., Any], ask: Ask
) -> None:
    name = f"apart_{next(_numbers)}"
    ask(f"CREATE DATABASE {name}")
    use_database(NAME=name)
    with capture_logs() as logs:
        for _ in range(2):
            with transaction.atomic(using=ALIAS):
                job = jobs.enqueue("ship", order=1)
                assert (job.created, job.get()) == (None, None)

    assert (job.get() is not None, stored(jobs)) == (True, 2)
    [told] = [line for line in logs if "because" in line]
    assert (told["database"], "another server or database" in told["because"]) == (ALIAS, True)


def test_a_driver_that_is_not_psycopg_3_is_named(
    jobs: Jobs, use_database: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class connection:  # noqa: N801 - as psycopg2's class is called
        pass

    connection.__module__ = "psycopg2.extensions"
    opened = use_database()
    monkeypatch.setattr(opened, "connection", connection())

    assert bridge.refusal(opened, jobs.backend) == "its driver is psycopg2, and not psycopg 3"
    monkeypatch.undo()


@pytest.mark.django_db(transaction=True)
def test_a_database_of_another_kind_waits_for_the_commit_in_silence(jobs: Jobs) -> None:
    with capture_logs() as logs, transaction.atomic():
        job = jobs.enqueue("ship", order=1)
        assert job.get() is None

    assert (job.get() is not None, [line for line in logs if "because" in line]) == (True, [])


@pytest.mark.django_db(transaction=True)
def test_the_default_databases_transaction_goes_before_others(jobs: Jobs, use_database: Callable[..., Any]) -> None:
    use_database()
    with transaction.atomic():
        with transaction.atomic(using=ALIAS):
            job = jobs.enqueue("ship", order=1)
        assert job.get() is None

    assert job.get() is not None


def test_a_store_that_is_away_is_told_before_the_rows_are_committed(
    registry: Registry, use_database: Callable[..., Any], write: Callable[[int], None], orders: Callable[[], int],
    url: str,
) -> None:  # fmt: skip
    use_database()
    store = open_url(url)
    store.open()
    gone = Jobs(url, registry=registry, backend=store, unit_of_work=Transactions(joins=True))
    store.close()

    def sell() -> None:
        with transaction.atomic(using=ALIAS):
            write(1)
            gone.enqueue("ship", order=1)

    with pytest.raises(StoreUnavailable):
        sell()

    assert orders() == 0
    gone.close()


def test_check_asks_the_servers(jobs: Jobs, use_database: Callable[..., Any], ask: Ask, url: str) -> None:
    name = f"apart_{next(_numbers)}"
    ask(f"CREATE DATABASE {name}")
    use_database()
    use_database("far", NAME=name)
    with use(jobs), override_settings(JOBS={"BACKEND_URL": url}), pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections["default"], "vendor", "postgresql")
        found = check_joining(None, databases=[ALIAS, "far"])
        unasked = check_joining(None)

    assert [(each.id, "'far'" in each.msg, "another server" in each.msg) for each in found] == [
        ("jobs_dashboard.W005", True, True)
    ]
    assert unasked == []


# Asynchronous code.


def test_async_code_inside_a_transaction_of_its_thread_joins_it(jobs: Jobs, use_database: Callable[..., Any]) -> None:
    """A coroutine cannot hold a transaction; a function that it hands to Django's thread can, and may call back."""
    use_database()
    handles = []

    def sell() -> None:
        with transaction.atomic(using=ALIAS):
            handles.append(jobs.enqueue("ship", order=1))
            handles.append(async_to_sync(jobs.aenqueue)("ship", order=2))
            handles.extend(async_to_sync(jobs.aenqueue_many)([jobs.client.request("ship", {"order": 3})]))
            assert [handle.created for handle in handles] == [True, True, True]
            assert stored(jobs) == 0
        connections[ALIAS].close()

    asyncio.run(sync_to_async(sell)())

    assert stored(jobs) == 3


def test_async_code_outside_a_transaction_sends_at_once(jobs: Jobs, use_database: Callable[..., Any]) -> None:
    use_database()

    async def sell() -> Any:
        return await jobs.aenqueue("ship", order=1)

    assert asyncio.run(sell()).created is True


def opened(url: str) -> Any:
    store = open_url(url)
    store.open()
    return store
