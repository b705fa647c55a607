"""Retry, cancel and discard: of jobs by id, and of those that a query finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from core.backends.contract import PageQuery
from core.errors import InvalidInput, JobNotFound
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.payload import check_text
from core.model.states import State, Verb
from jobs_dashboard.bridge.history import remember_jobs
from jobs_dashboard.bridge.wiring import current_control

from .actor import Actor, Permission
from .audit import Entry, entry, sent_again_once
from .outcome import JobOutcome, outcomes, told_of_many

__all__ = ["MAX_CHOSEN", "act", "act_on", "act_on_found", "filter_text", "pages", "told_of_many"]

MAX_CHOSEN = 1_000
_NEEDS = Permission.OPERATE


def act(actor: Actor, verb: Verb, ref: JobRef, *, reason: str = "") -> JobOutcome:
    """Apply a verb to one job. Raises Refused, InvalidInput, JobNotFound, StoreUnavailable."""
    [outcome] = act_on(actor, verb, [ref], reason=reason)
    if outcome.is_missing:
        raise JobNotFound(outcome.sentence)
    return outcome


def act_on(actor: Actor, verb: Verb, refs: Sequence[JobRef], *, reason: str = "") -> tuple[JobOutcome, ...]:
    """Apply a verb to chosen jobs, at most 1,000; answers in the order given, each job once."""
    check_text(reason, path="$.reason")
    chosen = list(dict.fromkeys(refs))
    if not chosen or len(chosen) > MAX_CHOSEN:
        raise InvalidInput(f"choose from 1 to {MAX_CHOSEN} jobs", path="$.ids", limit=MAX_CHOSEN)
    ids = [str(ref) for ref in chosen]
    with entry(actor, verb, "job", ids[0], needs=_NEEDS, reason=reason, job_ids=ids) as opened:
        return _act(opened, verb, chosen, reason)


def act_on_found(
    actor: Actor,
    verb: Verb,
    query: PageQuery,
    *,
    most: int,
    reason: str = "",
    progress: Callable[[JobOutcome], None] | None = None,
) -> int:
    """Apply a verb, in chunks, to at most `most` jobs of a state; answers to how many it applied."""
    check_text(reason, path="$.reason")
    told = filter_text(query, most)
    applied = 0
    with entry(actor, verb, "job", "", needs=_NEEDS, reason=reason, filter=told, count=0) as opened:
        for found in pages(query, most):
            refs = [job.ref for job in found]
            opened.aims_at(str(ref) for ref in refs)
            for outcome in _act(opened, verb, refs, reason):
                applied += outcome.applied
                if progress is not None:
                    progress(outcome)
    return applied


def pages(query: PageQuery, most: int) -> Iterator[Sequence[StoredJob]]:
    """What `act_on_found` acts on, chunk by chunk."""
    return current_control().pages(query, most)


def filter_text(query: PageQuery, most: int) -> str:
    """A query as the audit shows it."""
    parts = [f"state:{query.state}", *(f"queue:{queue}" for queue in query.queues)]
    return " ".join([*parts, *([f"task:{query.task}"] if query.task else []), f"limit:{most}"])


def _act(opened: Entry, verb: Verb, refs: Sequence[JobRef], reason: str) -> tuple[JobOutcome, ...]:
    control = current_control()
    acted = sent_again_once(lambda: control.act(verb, refs, operation=opened.operation, reason=reason))
    done = outcomes(verb, refs, acted)
    opened.tell_jobs(done)
    # No attempt ends here, so the journal says nothing of it; history would still show the job as it last ran.
    remember_jobs([one.ref for one in done if one.applied and one.after is State.CANCELLED])
    return done
