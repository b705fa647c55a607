"""What an action came to, as values for a page, a command or the API to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.backends.contract import Acted
from core.model.ident import JobRef
from core.model.states import State, Verb

_PAST = {Verb.RETRY: "retried", Verb.CANCEL: "cancelled", Verb.DISCARD: "discarded"}


@dataclass(frozen=True)
class JobOutcome:
    """What a verb did to one job. copy: the new job, when a completed one was run again."""

    verb: Verb
    ref: JobRef
    applied: bool
    before: State | None
    after: State | None
    copy: JobRef | None = None

    @property
    def id(self) -> str:
        return str(self.ref)

    @property
    def job(self) -> JobRef:
        """The job to look at now."""
        return self.copy or self.ref

    @property
    def is_missing(self) -> bool:
        return self.before is None

    @property
    def is_conflict(self) -> bool:
        return not self.applied and not self.is_missing

    @property
    def may_undo(self) -> bool:
        """Whether a retry brings the job back to where it was. One that was dead, failed or due later would run now."""
        was_ready = self.before in (State.PENDING, State.HELD)
        return self.applied and self.verb is not Verb.RETRY and self.after is State.CANCELLED and was_ready

    @property
    def sentence(self) -> str:
        """For a toast or a line of output."""
        if self.is_missing:
            return "There is no such job: it never was, or retention deleted it."
        if not self.applied:
            return f"Not {_PAST[self.verb]}: it is {self.after or self.before} now."
        if self.copy is not None:
            return f"Run again as {self.copy}."
        if self.after is State.RUNNING:
            return "Asked to stop."
        return f"{_PAST[self.verb].capitalize()}: it was {self.before} and is {self.after} now."


def told_of_many(verb: Verb, applied: int, count: int) -> str:
    """What became of several jobs, in a sentence."""
    moved_on = f" Moved on before, or gone: {count - applied:,}." if applied < count else ""
    return f"{_PAST[verb].capitalize()}: {applied:,}.{moved_on}"


def outcomes(verb: Verb, refs: Sequence[JobRef], acted: Sequence[Acted]) -> tuple[JobOutcome, ...]:
    return tuple(
        JobOutcome(verb, ref, one.applied, one.before, one.after, copy=one.ref if one.ref != ref else None)
        for ref, one in zip(refs, acted, strict=True)
    )
