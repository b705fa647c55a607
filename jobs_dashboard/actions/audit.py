"""The audit: a row written as intended before the store acts, and closed with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

import structlog
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone

from core.control import new_operation
from core.errors import JobsError, StoreUnavailable
from core.model.outcome import cut_text
from jobs_dashboard.models import ActionTarget, OperatorAction

from .actor import Actor, Permission
from .outcome import JobOutcome

T = TypeVar("T")
Status = OperatorAction.Status
log = structlog.get_logger("jobs.audit")

_WORD_CHARS = 32
_TARGET_CHARS = 200
_REASON_CHARS = 500
_FILTER_CHARS = 1000
_INSERTED_AT_ONCE = 500


class Refused(PermissionDenied):
    """The actor may not do this; the refusal stands in the audit."""

    def __init__(self, actor: Actor, verb: str, needed: Permission) -> None:
        super().__init__(f"{actor.name} may not {verb}: that wants the permission {needed.codename}")
        self.needed = needed


class Entry:
    """One open row of the audit; the operation id makes the store act at most once for it."""

    def __init__(self, row: OperatorAction) -> None:
        self._row = row
        self.operation = row.operation
        self._applied = 0
        self._count = row.count
        self._outcome = ""

    def aims_at(self, job_ids: Iterable[str]) -> None:
        """Jobs that were found after the entry was opened."""
        targets = [ActionTarget(action=self._row, job_id=job_id) for job_id in job_ids]
        ActionTarget.objects.bulk_create(targets, batch_size=_INSERTED_AT_ONCE)
        self._count += len(targets)

    def tell_jobs(self, outcomes: Sequence[JobOutcome]) -> None:
        """What became of jobs that the entry aims at."""
        told = {outcome.id: outcome for outcome in outcomes}
        targets = list(ActionTarget.objects.filter(action=self._row, job_id__in=told))
        for target in targets:
            outcome = told[target.job_id]
            target.applied = outcome.applied
            target.before, target.after = outcome.before or "", outcome.after or ""
        ActionTarget.objects.bulk_update(targets, ["applied", "before", "after"], batch_size=_INSERTED_AT_ONCE)
        self.tell(sum(outcome.applied for outcome in outcomes))

    def tell(self, applied: int, outcome: str = "") -> None:
        """That so many targets changed, on top of those told before."""
        self._applied += applied
        self._outcome = outcome or self._outcome

    def close(self, status: str = "", outcome: str = "") -> None:
        """Write down what came of it; a row that is closed stays as it is."""
        done = status or (Status.CONFLICT if self._count and not self._applied else Status.DONE)
        OperatorAction.objects.filter(pk=self._row.pk, status=Status.INTENDED).update(
            status=done,
            applied=self._applied,
            count=self._count,
            outcome=_stored(outcome or self._outcome, _REASON_CHARS),
            closed_at=timezone.now(),
        )
        row = self._row
        tell = log.debug if row.door == "command" else log.info  # who types a command is told by the command
        tell("action", verb=row.verb, target=row.target, by=row.actor_name, status=str(done), applied=self._applied)


@contextmanager
def entry(
    actor: Actor,
    verb: str,
    kind: str,
    target: str,
    *,
    needs: Permission,
    reason: str = "",
    filter: str = "",
    job_ids: Sequence[str] = (),
    count: int = 1,
) -> Iterator[Entry]:
    """Open a row, let the block act under its operation id, close it with what the block told or raised.

    Raises Refused, with the refusal written down, when the actor may not.
    """
    row = _row(actor, verb, kind, target, reason=reason, filter=filter, count=len(job_ids) or count)
    if not actor.may(needs):
        _write_refusal(row, f"wants the permission {needs.codename}")
        raise Refused(actor, verb, needs)
    with transaction.atomic():
        row.save()
        targets = [ActionTarget(action=row, job_id=job_id) for job_id in job_ids]
        ActionTarget.objects.bulk_create(targets, batch_size=_INSERTED_AT_ONCE)
    opened = Entry(row)
    try:
        yield opened
    except StoreUnavailable as error:
        opened.close(Status.UNKNOWN, f"the store did not answer, and may have acted: {error}")
        raise
    except JobsError as error:
        opened.close(Status.FAILED, str(error))
        raise
    except BaseException as error:  # also Ctrl-C in the middle of many jobs
        with suppress(DatabaseError):  # then it stays open, and is closed as unknown later
            opened.close(Status.UNKNOWN, f"broken off by {type(error).__name__}")
        raise
    opened.close()


def sent_again_once(call: Callable[[], T]) -> T:
    """A verb under its operation id; a lost reply is answered by sending it once more."""
    try:
        return call()
    except StoreUnavailable:
        return call()


def refused(actor: Actor, *, verb: str, kind: str, target: str, why: str) -> None:
    """Write down that a door turned somebody away before an action was even named."""
    _write_refusal(_row(actor, verb, kind, target), why)


def _row(
    actor: Actor, verb: str, kind: str, target: str, *, reason: str = "", filter: str = "", count: int = 0
) -> OperatorAction:
    return OperatorAction(
        operation=new_operation(),
        verb=verb[:_WORD_CHARS],
        kind=kind,
        target=_stored(target, _TARGET_CHARS),
        filter=_stored(filter, _FILTER_CHARS),
        reason=_stored(reason, _REASON_CHARS),
        actor=actor.user,
        actor_name=_stored(actor.name, _TARGET_CHARS),
        door=actor.door,
        address=_stored(actor.address, 64),
        count=count,
    )


def _write_refusal(row: OperatorAction, why: str) -> None:
    row.status = Status.REFUSED
    row.outcome = _stored(why, _REASON_CHARS)
    row.closed_at = timezone.now()
    row.save()
    log.warning("refused", verb=row.verb, target=row.target, by=row.actor_name)


def _stored(text: str, most: int) -> str:
    """Text as a database takes it: writing the audit must not fail on what it tells of."""
    return cut_text(text, 8 * _FILTER_CHARS)[:most]
