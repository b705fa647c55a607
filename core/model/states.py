"""The states of a job, and what each verb does in each state (the table of docs/architecture.md, section 2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a job is; every job is in exactly one."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    HELD = "held"
    RUNNING = "running"
    FAILED = "failed"
    DEAD = "dead"
    COMPLETED = "completed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing happens to the job by itself any more."""
        return self in FINAL


FINAL: Final = frozenset({State.DEAD, State.COMPLETED, State.CANCELLED})


class Verb(StrEnum):
    """What an operator does to a job."""

    RETRY = "retry"
    CANCEL = "cancel"
    DISCARD = "discard"


class Effect(StrEnum):
    """What a verb does to a job in one state."""

    CONFLICT = "conflict"  # nothing: the caller is told
    RUN_NOW = "run now"  # pending, its attempts count as before
    RUN_AFRESH = "run afresh"  # pending, with max_attempts more tries; crashes forgotten, losses down to one
    COPY = "copy"  # a new job, linked to this one (made by the client, not by the store)
    CANCEL = "cancel"  # cancelled, with the reason
    ASK = "ask"  # the running attempt is asked to stop


_CANCELS = {State.SCHEDULED, State.PENDING, State.HELD, State.FAILED, State.DEAD}

EFFECTS: Final[dict[Verb, dict[State, Effect]]] = {
    Verb.RETRY: {
        State.SCHEDULED: Effect.RUN_NOW,
        State.PENDING: Effect.CONFLICT,
        State.HELD: Effect.RUN_NOW,
        State.RUNNING: Effect.CONFLICT,
        State.FAILED: Effect.RUN_NOW,
        State.DEAD: Effect.RUN_AFRESH,
        State.COMPLETED: Effect.COPY,
        State.CANCELLED: Effect.RUN_AFRESH,
    },
    Verb.CANCEL: {s: Effect.CANCEL if s in _CANCELS else Effect.CONFLICT for s in State} | {State.RUNNING: Effect.ASK},
    Verb.DISCARD: {s: Effect.CANCEL if s in _CANCELS else Effect.CONFLICT for s in State},
}


def allows(verb: Verb, state: State) -> bool:
    """Whether a verb applies in a state: what a button asks before it shows itself."""
    return EFFECTS[verb][state] is not Effect.CONFLICT
