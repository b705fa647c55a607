"""Gates: what holds a job back although it is due, so that it never blocks those behind it."""

from __future__ import annotations

import msgspec

_TASK = "task:"
_LIMIT = "limit:"


class Gate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a job has to pass before it is claimed; gates of one name are one gate of a queue.

    limit: jobs that may have passed and not ended their attempt, 0 for any number. interval_us: one more may pass in
    that many microseconds, 0 for at once. burst: so many may pass together after a rest.

    A job that passed keeps its slot until its attempt ends, it leaves `pending` unclaimed, or it is given back.
    """

    name: str
    limit: int = 0
    interval_us: int = 0
    burst: int = 1


class GateInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A gate as its store knows it: how many passed and hold a slot, how many wait, and the store's time at which its
    rate lets the next one pass (0: now)."""

    gate: Gate
    used: int
    waiting: int
    next_ms: int = 0


def task_gate(task: str) -> str:
    """The gate at which jobs wait for a worker that knows their task."""
    return f"{_TASK}{task}"


def task_of_gate(name: str) -> str:
    """The task that a gate waits for; empty for the gates of limits and rates."""
    return name.removeprefix(_TASK) if name.startswith(_TASK) else ""


def waits_for(name: str, reason: str) -> str:
    """What a job waits for at a gate, as a note; empty for no gate. reason: what its last settle said; at a task's gate
    that was the worker that could not run it."""
    task = task_of_gate(name)
    if task:
        return reason or f"waits for a worker that knows {task}"
    return f"waits for its turn at {limited(name)}" if name else ""


def limit_gate(what: str) -> str:
    """The gate of a limit or a rate."""
    return f"{_LIMIT}{what}"


def limited(name: str) -> str:
    """What a gate limits, as people know it: the task or the name that was given, and the value of the key."""
    return name.removeprefix(_LIMIT)


def passes_at_us(gate: Gate, paid_until_us: int) -> int:
    """When a rate lets the next job pass, from the time up to which those before it have used it (GCRA); 0 without a
    rate, even if there was one before."""
    if not gate.interval_us:
        return 0
    return paid_until_us - (gate.burst - 1) * gate.interval_us


def paid_after(gate: Gate, paid_until_us: int, now_ms: int) -> int:
    """Up to when a rate is used once one more has passed at now_ms."""
    return max(now_ms * 1000, paid_until_us) + gate.interval_us
