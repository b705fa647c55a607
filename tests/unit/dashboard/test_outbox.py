"""The outbox: nothing is lost between commit and send or sent twice, and what cannot be sent holds nobody up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.errors import StoreError, StoreFull, StoreUnavailable
from core.model.clock import SystemClock
from core.model.job import NewJob, Receipt
from core.model.states import State
from core.tasks.registry import Registry
from core.worker.engine import Engine
from jobs_dashboard.bridge import outbox
from jobs_dashboard.bridge.configuration import configuration
from jobs_dashboard.bridge.duties import DUTIES, relay_outbox
from jobs_dashboard.bridge.outbox import Outbox, Relay, has_table
from jobs_dashboard.bridge.unit_of_work import NoTransactions, Transactions
from jobs_dashboard.bridge.wiring import unit_of_work, use
from jobs_dashboard.models import OutboxEntry
from jobs_dashboard.queries.outbox import OutboxState, outbox_state
from jobs_dashboard.queries.snapshot import Snapshot
from jobs_dashboard.queries.verdict import verdict_of

pytestmark = pytest.mark.django_db(transaction=True)


class Store(MemoryBackend):
    """A store that can be away, full, or unwilling to take certain jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.outage: StoreError | None = None
        self.unwilling: Callable[[NewJob], Exception | None] = lambda job: None
        self.calls: list[int] = []

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        self.calls.append(len(jobs))
        self._fail(self.outage)
        for job in jobs:
            self._fail(self.unwilling(job))
        return super().enqueue(jobs)

    def ping(self) -> None:
        if isinstance(self.outage, StoreUnavailable):
            raise self.outage

    @staticmethod
    def _fail(error: Exception | None) -> None:
        if error is not None:
            raise error


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def jobs(store: Store, registry: Registry) -> Iterator[Jobs]:
    with use(Jobs(backend=store, registry=registry, unit_of_work=Transactions(outbox=Outbox()))) as held:
        yield held


@pytest.fixture
def relay(store: Store) -> Relay:
    return Relay(store, "default")


def pending(jobs: Jobs) -> int:
    return sum(counts.states[State.PENDING] for counts in jobs.stats())


def leave_to_the_service() -> None:
    OutboxEntry.objects.update(try_at=timezone.now())


def written_while_away(jobs: Jobs, store: Store, *numbers: int) -> list[str]:
    """Jobs whose transaction committed while nobody could send them."""
    store.outage = StoreUnavailable("away")
    with transaction.atomic():
        ids = [jobs.enqueue("add", a=number).id for number in numbers]
    store.outage = None
    leave_to_the_service()
    return ids


def test_a_job_lies_in_the_table_until_the_commit_sends_it(jobs: Jobs) -> None:
    with transaction.atomic():
        job = jobs.enqueue("add", a=1)
        assert (OutboxEntry.objects.get().job_id, job.get(), job.created) == (job.id, None, None)

    assert (job.get().state, OutboxEntry.objects.count()) == ("pending", 0)


def test_a_rollback_leaves_neither(jobs: Jobs, store: Store) -> None:
    with transaction.atomic():
        jobs.enqueue("add", a=1)
        transaction.set_rollback(True)

    assert (OutboxEntry.objects.count(), store.calls) == (0, [])


def test_an_inner_block_takes_its_job_with_it(jobs: Jobs) -> None:
    with transaction.atomic():
        kept = jobs.enqueue("add", a=1)
        with transaction.atomic():
            lost = jobs.enqueue("add", a=2)
            transaction.set_rollback(True)

    assert (kept.get() is not None, lost.get(), pending(jobs)) == (True, None, 1)


def test_outside_a_transaction_a_job_is_sent_at_once(jobs: Jobs) -> None:
    assert jobs.enqueue("add", a=1).created is True
    assert not OutboxEntry.objects.exists()


def test_a_store_that_is_away_at_the_commit_gets_its_jobs_later_in_order(
    jobs: Jobs, store: Store, relay: Relay
) -> None:
    ids = written_while_away(jobs, store, 1, 2, 3)
    assert (OutboxEntry.objects.count(), pending(jobs)) == (3, 0)

    assert relay.turn() == 3
    assert [job.id for job in jobs.recent(state="pending")] == ids
    assert (store.calls[-1], OutboxEntry.objects.count(), relay.turn()) == (3, 0, 0)


def test_a_store_that_stays_away_loses_nothing(jobs: Jobs, store: Store, relay: Relay) -> None:
    written_while_away(jobs, store, 1)
    for outage in (StoreUnavailable("away"), StoreFull("full")):
        store.outage = outage
        with pytest.raises(type(outage)):
            relay.turn()
    store.outage = None

    assert (OutboxEntry.objects.get().tries, relay.turn(), pending(jobs)) == (0, 1, 1)


def test_an_entry_sent_twice_is_one_job(jobs: Jobs, store: Store, relay: Relay, monkeypatch: Any) -> None:
    """As when a relay dies after the store's answer and before the delete."""
    written_while_away(jobs, store, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Relay, "_entries", lambda *_: OutboxEntry.objects.none())
        relay.turn()
    assert (OutboxEntry.objects.count(), pending(jobs)) == (1, 1)

    assert (relay.turn(), OutboxEntry.objects.count(), pending(jobs)) == (1, 0, 1)


def test_two_relays_at_once_send_each_job_once(jobs: Jobs, store: Store) -> None:
    """Both have read the same entries when the first of them sends."""
    written_while_away(jobs, store, *range(20))
    first, second = Relay(store, "default"), Relay(store, "default")
    entries = list(OutboxEntry.objects.order_by("id"))
    first._deal_with(entries)
    second._deal_with(entries)

    assert (pending(jobs), OutboxEntry.objects.count()) == (20, 0)


def test_what_the_store_never_takes_is_kept_with_its_error_and_holds_nobody_up(
    jobs: Jobs, store: Store, relay: Relay
) -> None:
    first, bad, last = written_while_away(jobs, store, 1, 2, 3)
    store.unwilling = lambda job: StoreError("no such thing") if str(job.ref) == bad else None

    for _ in range(6):
        assert not OutboxEntry.objects.exclude(refused_at=None).exists()
        relay.turn()
        leave_to_the_service()

    left = OutboxEntry.objects.get()
    assert [job.id for job in jobs.recent(state="pending")] == [first, last]
    assert (left.job_id, left.error, left.refused_at is not None) == (bad, "StoreError: no such thing", True)
    assert relay.turn() == 0


def test_bytes_that_are_no_job_are_kept_as_well(jobs: Jobs, store: Store, relay: Relay) -> None:
    written_while_away(jobs, store, 1)
    OutboxEntry.objects.create(job_id="x", task="add", count=1, packed=b"\xc1")

    relay.turn()

    assert pending(jobs) == 1
    assert "DecodeError" in OutboxEntry.objects.get(job_id="x").error


def test_one_that_fails_while_the_store_answers_waits_alone(jobs: Jobs, store: Store, relay: Relay) -> None:
    first, bad, last = written_while_away(jobs, store, 1, 2, 3)
    store.unwilling = lambda job: StoreUnavailable("not this one") if str(job.ref) == bad else None

    relay.turn()

    left = OutboxEntry.objects.get()
    assert [job.id for job in jobs.recent(state="pending")] == [first, last]
    assert (left.tries, left.error, left.refused_at) == (1, "not this one", None)
    assert left.try_at > timezone.now() + timedelta(seconds=10)


def test_a_store_that_answers_and_takes_nothing_counts_as_away(jobs: Jobs, store: Store, relay: Relay) -> None:
    written_while_away(jobs, store, *range(30))
    store.unwilling = lambda job: StoreUnavailable("read only")

    with pytest.raises(StoreUnavailable):
        relay.turn()

    assert OutboxEntry.objects.filter(tries=0).count() >= 28


def test_a_delay_counts_from_the_enqueue(jobs: Jobs, store: Store, relay: Relay) -> None:
    store.outage = StoreUnavailable("away")
    before_ms = SystemClock().now_ms()
    with transaction.atomic():
        request = jobs.client.request("add", {"a": 1}, delay=60)
        [job] = jobs.enqueue_many([request])
    after_ms = SystemClock().now_ms()
    store.outage = None
    leave_to_the_service()
    relay.turn()

    [stored] = store.get([job.ref])
    assert stored is not None
    assert stored.state is State.SCHEDULED
    assert before_ms + 60_000 <= stored.due_ms <= after_ms + 60_000


def test_many_jobs_are_parts_that_a_store_takes_whole(jobs: Jobs, store: Store, relay: Relay) -> None:
    store.outage = StoreUnavailable("away")
    with transaction.atomic():
        jobs.enqueue_many([jobs.client.request("add", {"a": number}) for number in range(450)])
    assert list(OutboxEntry.objects.values_list("count", flat=True)) == [200, 200, 50]
    store.outage = None
    leave_to_the_service()

    relay.turn()
    assert pending(jobs) == 450


def test_a_fresh_entry_is_left_to_the_one_who_wrote_it(jobs: Jobs, store: Store, relay: Relay) -> None:
    store.outage = StoreUnavailable("away")
    with transaction.atomic():
        jobs.enqueue("add", a=1)
    store.outage = None

    assert (relay.turn(), OutboxEntry.objects.count()) == (0, 1)


def test_a_database_without_the_table_is_named(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_found", set())
    monkeypatch.setattr(OutboxEntry._meta, "db_table", "jobs_dashboard_nothing")
    with pytest.raises(ImproperlyConfigured, match="manage.py migrate"), transaction.atomic():
        jobs.enqueue("add", a=1)
    assert not has_table("default")


def test_the_service_sends_what_was_left_and_goes_on_after_an_outage(
    jobs: Jobs, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_dashboard.bridge.duties.IDLE_S", 0.01)
    monkeypatch.setattr("jobs_dashboard.bridge.duties.STORE_FULL_S", 0.01)
    written_while_away(jobs, store, 1, 2)
    store.outage = StoreFull("full")
    stop = Stop(after=4, then=lambda: setattr(store, "outage", None))
    relay_outbox(engine_of(jobs, outbox=True), stop)

    assert (pending(jobs), OutboxEntry.objects.count()) == (2, 0)


def test_the_overview_tells_of_jobs_that_lie_there_too_long_and_of_those_set_aside(jobs: Jobs, store: Store) -> None:
    written_while_away(jobs, store, 1, 2)
    OutboxEntry.objects.create(job_id="x", task="add", count=1, packed=b"", refused_at=timezone.now())
    late = timezone.now() + timedelta(minutes=5)
    with override_settings(JOBS={"OUTBOX": True}):
        fresh, later = outbox_state(timezone.now()), outbox_state(late)
    with override_settings(JOBS={"OUTBOX": False}):
        assert outbox_state(late) == OutboxState()

    assert (fresh, later.waiting, later.refused) == (OutboxState(refused=1), 2, 1)
    assert 290 < later.lag_s(late) <= 301
    OutboxEntry.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    with override_settings(JOBS={"OUTBOX": True}):
        held = Snapshot(0, (), (), (), {}, outbox_state(timezone.now()))
        told = [problem.text for problem in verdict_of(held).problems]
    assert told[1:] == ["2 jobs lie in the outbox, for 3 min", "1 in the outbox were refused by the store"]


def test_the_service_stands_beside_the_recorder() -> None:
    assert [duty.name for duty in DUTIES] == ["recorder", "outbox"]


def test_settings_choose_what_a_transaction_comes_to() -> None:
    with override_settings(JOBS={"ON_COMMIT": "false"}):
        assert isinstance(unit_of_work(configuration()), NoTransactions)
    with override_settings(JOBS={"OUTBOX": True}):
        chosen = unit_of_work(configuration())
        assert isinstance(chosen, Transactions)
        assert chosen._outbox is not None
    with override_settings(JOBS={"OUTBOX": True, "ON_COMMIT": False}), pytest.raises(ImproperlyConfigured):
        configuration()


def test_without_on_commit_a_job_is_sent_inside_the_transaction(store: Store, registry: Registry) -> None:
    with use(Jobs(backend=store, registry=registry, unit_of_work=NoTransactions())) as held, transaction.atomic():
        job = held.enqueue("add", a=1)
        assert (job.created, job.get() is not None) == (True, True)
        transaction.set_rollback(True)

    assert pending(held) == 1


class Stop(threading.Event):
    """An event that is set after so many waits, with something that happens in the middle."""

    def __init__(self, *, after: int, then: Callable[[], None]) -> None:
        super().__init__()
        self._left, self._then, self._half = after, then, after // 2

    def wait(self, timeout: float | None = None) -> bool:
        self._left -= 1
        if self._left == self._half:
            self._then()
        if self._left <= 0:
            self.set()
        return self.is_set()


def engine_of(jobs: Jobs, **changes: Any) -> Engine:
    jobs.config = replace(jobs.config, **changes)
    return jobs
