"""What operators do to jobs and queues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from ...model.ident import JobRef
from ...model.limits import KEPT_OPERATIONS
from ...model.states import EFFECTS, Effect, State, Verb
from ..contract import Acted
from ..sql.codec import STATES
from .retention import drop_before
from .transaction import Transaction

_LOOKS: Final = 3  # a job may come back to life between a look at the live and one at the finished


class _Subject(NamedTuple):
    """A job that a verb is applied to, as it was found and locked."""

    state: State
    operations: list[str]


def act(tx: Transaction, verb: Verb, name: str, raws: Sequence[bytes], operation: str, reason: str) -> list[Acted]:
    """Jobs are locked in one order for all, then moved group by group; a job that is named twice is done once."""
    queue = tx.find_queue(name)
    found = _find(tx, queue, raws) if queue is not None else {}
    if queue is None or not found:
        return [Acted(JobRef(name, raw), applied=False, before=None, after=None) for raw in raws]
    groups: defaultdict[tuple[Effect, State], list[bytes]] = defaultdict(list)
    for raw in dict.fromkeys(raws):
        if raw in found and operation not in found[raw].operations:
            groups[EFFECTS[verb][found[raw].state], found[raw].state].append(raw)
    after: dict[bytes, State] = {}
    for (effect, before), group in groups.items():
        moved = _apply(tx, queue, effect, before, group, operation, reason)
        after.update(dict.fromkeys(moved, _after(effect)))
        if moved and _after(effect) is State.PENDING:
            tx.ring(name)
    return _answers(name, raws, found, after, operation)


def pause(tx: Transaction, name: str, reason: str) -> None:
    tx.run("pause", queue=tx.queue(name), reason=reason, now=tx.now_ms)


def resume(tx: Transaction, name: str) -> None:
    queue = tx.find_queue(name)
    if queue is not None:
        tx.run("resume", queue=queue)
        tx.ring(name)


def purge(tx: Transaction, name: str, state: State, before_ms: int, limit: int) -> int:
    queue = tx.find_queue(name)
    if queue is None or state is State.RUNNING:
        return 0
    tx.run("queue_lock", queue=queue)
    return drop_before(tx, queue, state, before_ms=before_ms, limit=limit)


def _find(tx: Transaction, queue: int, raws: Sequence[bytes]) -> dict[bytes, _Subject]:
    found: dict[bytes, _Subject] = {}
    for _ in range(_LOOKS):
        missing = [raw for raw in dict.fromkeys(raws) if raw not in found]
        if not missing:
            break
        rows = tx.all("act_find_live", queue=queue, raw=missing)
        if len(rows) < len(missing):
            rows += tx.all("act_find_finished", queue=queue, raw=missing, oldest=tx.oldest(missing))
        found.update((raw, _Subject(STATES[code], operations)) for raw, code, operations in rows)
    return found


def _apply(
    tx: Transaction, queue: int, effect: Effect, before: State, group: Sequence[bytes], operation: str, reason: str
) -> list[bytes]:
    """The jobs that it was applied to."""
    if effect in (Effect.CONFLICT, Effect.COPY):
        return []
    raws = list(group)
    if effect is Effect.ASK:
        tx.run("act_ask", queue=queue, raw=raws, operation=operation, kept=KEPT_OPERATIONS)
        return raws
    said = {"raw": raws, "now": tx.now_ms, "operation": operation, "kept": KEPT_OPERATIONS, "reason": reason}
    moved = raws
    if effect is Effect.RUN_NOW:
        tx.run("act_run_now", queue=queue, **said)
    elif effect is Effect.RUN_AFRESH:
        rows = tx.all("act_run_afresh", queue=queue, oldest=tx.oldest(raws), **said)
        moved = [raw for (raw,) in rows]
    elif before.is_final:
        tx.run("act_cancel_dead", queue=queue, oldest=tx.oldest(raws), **said)
    else:
        tx.run("act_cancel_live", queue=queue, **said)
    tx.left(queue, before, len(moved))
    tx.arrived(queue, _after(effect), len(moved))
    return moved


def _after(effect: Effect) -> State:
    if effect is Effect.ASK:
        return State.RUNNING
    return State.CANCELLED if effect is Effect.CANCEL else State.PENDING


def _answers(
    name: str, raws: Sequence[bytes], found: dict[bytes, _Subject], after: dict[bytes, State], operation: str
) -> list[Acted]:
    answers: list[Acted] = []
    told: set[bytes] = set()
    for raw in raws:
        subject = found.get(raw)
        if subject is None:
            answers.append(Acted(JobRef(name, raw), applied=False, before=None, after=None))
            continue
        is_repeat = operation in subject.operations or (raw in told and raw in after)
        state = after.get(raw, subject.state)
        before = state if is_repeat else subject.state
        applied = is_repeat or raw in after
        answers.append(Acted(JobRef(name, raw), applied=applied, before=before, after=state))
        told.add(raw)
    return answers
