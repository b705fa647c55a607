"""The outbox in a PostgreSQL: rows that relays lock for themselves, in the transaction of the caller."""

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.backends.opener import open_backend
from core.errors import StoreUnavailable
from core.model.job import NewJob, Receipt
from core.tasks.registry import Registry
from jobs_dashboard.bridge import outbox
from jobs_dashboard.bridge.outbox import Outbox, Relay
from jobs_dashboard.bridge.unit_of_work import Transactions
from jobs_dashboard.models import OutboxEntry

ALIAS = "beside"


class Meeting(MemoryBackend):
    """A store that answers the first two calls when both are there."""

    def __init__(self) -> None:
        super().__init__()
        self.both = threading.Barrier(2)
        self.sent: list[bytes] = []

    def enqueue(self, jobs: Sequence[NewJob]) -> list[Receipt]:
        self.both.wait(20)
        self.sent.extend(job.raw for job in jobs)
        return super().enqueue(jobs)


@pytest.fixture
def table(use_database: Callable[..., Any]) -> Iterator[None]:
    """The outbox's, in the other database."""
    opened = use_database()
    with opened.schema_editor() as editor:
        editor.create_model(OutboxEntry)
    yield
    with opened.schema_editor() as editor:
        editor.delete_model(OutboxEntry)
    outbox._found.discard(ALIAS)


def test_two_relays_share_what_lies_in_the_table(registry: Registry, table: None) -> None:
    store = Meeting()
    jobs = Jobs(registry=registry, backend=store, unit_of_work=Transactions(outbox=Outbox()))
    with transaction.atomic(using=ALIAS):
        for number in range(2 * outbox.ENTRIES_AT_ONCE):
            jobs.enqueue("ship", order=number)
        connections[ALIAS].run_on_commit.clear()  # nobody sends at the commit
    OutboxEntry.objects.using(ALIAS).update(try_at=timezone.now())

    def relay() -> None:
        Relay(store, ALIAS).turn()
        connections[ALIAS].close()

    relays = [threading.Thread(target=relay) for _ in range(2)]
    for each in relays:
        each.start()
    for each in relays:
        each.join(30)

    assert (len(store.sent), len(set(store.sent))) == (100, 100)
    assert not OutboxEntry.objects.using(ALIAS).exists()
    jobs.close()


def test_a_failed_batch_keeps_what_it_could_not_send(registry: Registry, table: None) -> None:
    """The relay's own transaction ends well, though the store did not answer."""
    store = open_backend("memory://")
    jobs = Jobs(registry=registry, backend=store, unit_of_work=Transactions(outbox=Outbox()))
    with transaction.atomic(using=ALIAS):
        job = jobs.enqueue("ship", order=1)
        connections[ALIAS].run_on_commit.clear()
    OutboxEntry.objects.using(ALIAS).update(try_at=timezone.now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "enqueue", _fail)
        patch.setattr(store, "ping", _fail)
        with pytest.raises(StoreUnavailable):
            Relay(store, ALIAS).turn()
    assert (job.get(), Relay(store, ALIAS).turn(), job.get() is not None) == (None, 1, True)
    jobs.close()


def test_in_another_database_the_outbox_is_part_of_the_transaction(
    url: str, registry: Registry, use_database: Callable[..., Any], table: None
) -> None:
    """Both are PostgreSQL, and not the same: here the server is, the user may not write to the store."""
    store = open_backend(url)
    jobs = Jobs(registry=registry, backend=store, unit_of_work=Transactions(joins=True, outbox=Outbox()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "refusal", lambda connection: "it is another one")
        with transaction.atomic(using=ALIAS):
            job = jobs.enqueue("ship", order=1)
            assert OutboxEntry.objects.using(ALIAS).get().job_id == job.id
    assert (job.get() is not None, OutboxEntry.objects.using(ALIAS).exists()) == (True, False)
    jobs.close()


def _fail(*_: object) -> Any:
    raise StoreUnavailable("away")
