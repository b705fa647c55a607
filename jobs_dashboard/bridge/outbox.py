"""The outbox: jobs lie in a table of Django's, written with the caller's rows, until their store has them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Final

import msgspec
import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.utils import timezone

from core.backends.contract import Backend
from core.errors import StoreError, StoreFull, StoreUnavailable
from core.model.clock import SystemClock
from core.model.job import NewJob
from jobs_dashboard.models import OutboxEntry

JOBS_AN_ENTRY: Final = 200  # a store cuts what is larger by itself
BYTES_AN_ENTRY: Final = 1 << 20
ENTRIES_AT_ONCE: Final = 50
LEFT_TO_ITS_WRITER: Final = timedelta(seconds=2)  # who wrote an entry sends it at the commit
_REST: Final = timedelta(seconds=15)
_LONGEST_REST: Final = timedelta(minutes=15)
_FAILED_IN_A_ROW: Final = 3
_TRIES: Final = 6  # some ten minutes, so that what a deploy sets right is not given up

_packer = msgspec.msgpack.Encoder()
_unpacker = msgspec.msgpack.Decoder(list[NewJob])
log = structlog.get_logger("jobs.outbox")


class Outbox:
    """Where enqueues inside transactions go first."""

    def keep(self, connection: BaseDatabaseWrapper, jobs: Sequence[NewJob], backend: Backend) -> None:
        """Write jobs down in the caller's transaction, and send them right after its commit.

        A database that lacks the table cannot promise as much: there they are written down, into the default
        database, when the transaction has committed.
        """
        timed = [_at_its_time(job) for job in jobs]
        if has_table(connection.alias):
            self._write(connection.alias, timed, backend)
        else:
            require_table(DEFAULT_DB_ALIAS)
            connection.on_commit(partial(self._write, DEFAULT_DB_ALIAS, timed, backend))

    def _write(self, alias: str, jobs: Sequence[NewJob], backend: Backend) -> None:
        with transaction.atomic(using=alias):
            for part in _parts(jobs):
                entry = OutboxEntry(
                    job_id=str(part[0].ref),
                    task=part[0].task,
                    count=len(part),
                    packed=_packer.encode(part),
                    try_at=timezone.now() + LEFT_TO_ITS_WRITER,
                )
                entry.save(using=alias, force_insert=True)
                transaction.on_commit(partial(_send_now, backend, alias, entry.job_id, part), using=alias, robust=True)


class Relay:
    """Sends what lies in one database's outbox. Any number may run: an entry that two of them send at once is one
    job all the same, by its id."""

    def __init__(self, backend: Backend, alias: str) -> None:
        self._backend = backend
        self._alias = alias

    def turn(self) -> int:
        """Send the oldest entries; answers how many were dealt with. Raises StoreUnavailable or StoreFull, and then
        they stay."""
        with _held(self._alias) as due:
            entries = list(due[:ENTRIES_AT_ONCE])
            outage = self._deal_with(entries) if entries else None
        if outage is not None:
            raise outage
        return len(entries)

    def _deal_with(self, entries: Sequence[OutboxEntry]) -> StoreUnavailable | StoreFull | None:
        """All in one call, else one by one, to find those that are in the way of the others."""
        try:
            self._send(entries)
        except StoreFull as full:
            return full
        except StoreUnavailable as away:
            return self._one_by_one(entries) if self._answers() else away
        except Exception:  # noqa: BLE001 - whatever it was, it shows again with the entry that causes it
            return self._one_by_one(entries)
        return None

    def _one_by_one(self, entries: Sequence[OutboxEntry]) -> StoreUnavailable | StoreFull | None:
        failed_in_a_row = 0
        for entry in entries:
            try:
                self._send([entry])
                failed_in_a_row = 0
            except StoreFull as full:
                return full
            except StoreUnavailable as away:
                failed_in_a_row += 1
                if failed_in_a_row == _FAILED_IN_A_ROW or not self._answers():
                    return away
                self._put_back(entry, away)
            except StoreError as refusal:
                self._put_back(entry, refusal) if entry.tries + 1 < _TRIES else self._refuse(entry, refusal)
            except Exception as error:  # noqa: BLE001 - kept and shown, so that the others can go on
                self._refuse(entry, error)
        return None

    def _send(self, entries: Sequence[OutboxEntry]) -> None:
        self._backend.enqueue([job for entry in entries for job in _unpacker.decode(bytes(entry.packed))])
        self._entries(entries).delete()

    def _put_back(self, entry: OutboxEntry, error: Exception) -> None:
        rest = min(_LONGEST_REST, _REST * 2 ** min(entry.tries, 10))
        told = {"error": str(error)[:500], "tries": entry.tries + 1, "try_at": timezone.now() + rest}
        self._entries([entry]).update(**told)
        log.warning("a job stays in the outbox for a while", job=entry.job_id, error=str(error))

    def _refuse(self, entry: OutboxEntry, error: Exception) -> None:
        told = {"error": f"{type(error).__name__}: {error}"[:500], "refused_at": timezone.now()}
        self._entries([entry]).update(**told)
        log.error("the store refused a job for good; it is kept in the outbox", job=entry.job_id, error=str(error))

    def _entries(self, entries: Sequence[OutboxEntry]) -> QuerySet[OutboxEntry]:
        return OutboxEntry.objects.using(self._alias).filter(pk__in=[entry.pk for entry in entries])

    def _answers(self) -> bool:
        try:
            self._backend.ping()
        except StoreUnavailable:
            return False
        return True


def has_table(alias: str) -> bool:
    """Whether a database has an outbox. Asked until it has."""
    with _looking:
        if alias not in _found and router.allow_migrate_model(alias, OutboxEntry):
            with connections[alias].cursor() as cursor:
                names = connections[alias].introspection.table_names(cursor)
            if OutboxEntry._meta.db_table in names:
                _found.add(alias)
        return alias in _found


def require_table(alias: str) -> None:
    if not has_table(alias):
        raise ImproperlyConfigured(
            f"JOBS_OUTBOX is on, and the database {alias!r} has no table for it: run `manage.py migrate`."
        )


_found: set[str] = set()
_looking = threading.Lock()


@contextmanager
def _held(alias: str) -> Iterator[QuerySet[OutboxEntry]]:
    """Entries that are due, oldest first: locked against other relays where that makes nobody wait. Where there are
    no locks of rows, no transaction is open either, since it would keep every writer out while the store is asked."""
    due = OutboxEntry.objects.using(alias).filter(refused_at=None, try_at__lte=timezone.now()).order_by("id")
    if not connections[alias].features.has_select_for_update_skip_locked:
        yield due
        return
    with transaction.atomic(using=alias):
        yield due.select_for_update(skip_locked=True)


def _send_now(backend: Backend, alias: str, job_id: str, jobs: Sequence[NewJob]) -> None:
    """At the commit, for the sake of speed: what goes wrong here is the service's to mend."""
    try:
        backend.enqueue(jobs)
    except Exception as error:  # noqa: BLE001 - the rows are committed, and so is the job
        log.info("a job waits in the outbox", job=job_id, error=str(error))
        return
    OutboxEntry.objects.using(alias).filter(job_id=job_id).delete()


def _at_its_time(job: NewJob) -> NewJob:
    """A delay counts from the enqueue, by this host's clock: the store may hear of the job much later."""
    if not job.delay_ms:
        return job
    return msgspec.structs.replace(job, run_at_ms=SystemClock().now_ms() + job.delay_ms, delay_ms=0)


def _parts(jobs: Sequence[NewJob]) -> Iterator[list[NewJob]]:
    part: list[NewJob] = []
    size = 0
    for job in jobs:
        if part and (len(part) == JOBS_AN_ENTRY or size > BYTES_AN_ENTRY):
            yield part
            part, size = [], 0
        part.append(job)
        size += len(job.arguments) + len(job.options)
    if part:
        yield part
