"""What operators do to jobs and queues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ...model.gate import Gate
from ...model.ident import JobRef
from ...model.limits import KEPT_OPERATIONS
from ...model.states import EFFECTS, Effect, State, Verb
from ..contract import Acted, Sweep, Swept
from ..sql.codec import CODES, STATES, unpack_gate
from ..sql.paging import query_of
from .gates import Gates
from .keys import expire
from .look import places
from .notes import forget_notes
from .retention import drop_finished, drop_waiting
from .transaction import Transaction

_BEHIND_ALL_MS: Final = (1 << 63) - 1
_LOOKS: Final = 3  # a job may come back to life between a look at the live and one at the finished


class _Subject(NamedTuple):
    """A job that a verb is applied to, as it was found and locked."""

    state: State
    operations: list[str]
    unique_key: str
    gate: Gate | None
    has_passed: bool
    held_at: str | None


def act(tx: Transaction, verb: Verb, name: str, raws: Sequence[bytes], operation: str, reason: str) -> list[Acted]:
    """Jobs are locked in one order for all, then moved group by group; a job that is named twice is done once."""
    queue = tx.find_queue(name)
    found = _find(tx, queue, raws) if queue is not None else {}
    if queue is None or not found:
        return [Acted(JobRef(name, raw), applied=False, before=None, after=None) for raw in raws]
    after = _act_on(tx, queue, name, verb, {raw: found[raw] for raw in raws if raw in found}, operation, reason)
    return _answers(name, raws, found, after, operation)


def sweep(tx: Transaction, sweep: Sweep) -> Swept:
    """See Control.sweep. A job that has left the state since it was looked at refuses, and keeps what it is."""
    queue = tx.find_queue(sweep.queue)
    if queue is None:
        return Swept(applied=0, refused=0, scanned=0)
    part = places(tx, query_of(sweep), {sweep.queue: queue})
    raws = [place.raw for place in part.places]
    before_ms = min(sweep.before_ms, _BEHIND_ALL_MS)
    found = (
        _find_finished(tx, queue, raws, before_ms) if sweep.state.is_final else _find_live(tx, queue, raws, before_ms)
    )
    there = {raw: found[raw] for raw in raws if raw in found}
    subjects = {raw: subject for raw, subject in there.items() if subject.state is sweep.state}
    after = _act_on(tx, queue, sweep.queue, sweep.verb, subjects, sweep.operation, sweep.reason)
    applied = sum(raw in after or sweep.operation in subject.operations for raw, subject in there.items())
    return Swept(applied=applied, refused=len(there) - applied, scanned=part.scanned, next=part.next)


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
    if state.is_final:
        return drop_finished(tx, queue, state, before_ms=before_ms, limit=limit)
    return drop_waiting(tx, queue, name, state, before_ms=before_ms, limit=limit)


def withdraw(tx: Transaction, name: str, jobs: Sequence[tuple[bytes, State, int]]) -> int:
    """See Control.withdraw."""
    queue = tx.find_queue(name)
    if queue is None or not jobs:
        return 0
    gates = Gates(tx, queue, name)
    gone: list[tuple[int, bytes | None]] = []
    live = [job for job in jobs if not job[1].is_final]
    if live:
        for code, passed, held_at, noted in tx.all("withdraw", queue=queue, **_seen(live)):
            gone.append((code, noted))
            gates.freed(passed)
            gates.changed(held_at)
    finished = [job for job in jobs if job[1].is_final]
    if finished:
        gone += [(row[0], row[1]) for row in tx.all("withdraw_finished", queue=queue, **_seen(finished))]
    forget_notes(tx, queue, (noted for _, noted in gone))
    for code, _ in gone:
        tx.left(queue, STATES[code])
    gates.settle()
    return len(gone)


def _find(tx: Transaction, queue: int, raws: Sequence[bytes]) -> dict[bytes, _Subject]:
    found: dict[bytes, _Subject] = {}
    for _ in range(_LOOKS):
        missing = [raw for raw in dict.fromkeys(raws) if raw not in found]
        if not missing:
            break
        rows = _find_live(tx, queue, missing, _BEHIND_ALL_MS)
        found.update(rows)
        if len(rows) < len(missing):
            found.update(_find_finished(tx, queue, missing, _BEHIND_ALL_MS))
    return found


def _find_live(tx: Transaction, queue: int, raws: Sequence[bytes], before_ms: int) -> dict[bytes, _Subject]:
    return _subjects(tx.all("act_find_live", queue=queue, raw=list(raws), before=before_ms))


def _find_finished(tx: Transaction, queue: int, raws: Sequence[bytes], before_ms: int) -> dict[bytes, _Subject]:
    oldest = tx.oldest(raws)
    return _subjects(tx.all("act_find_finished", queue=queue, raw=list(raws), oldest=oldest, before=before_ms))


def _subjects(rows: Sequence[Sequence[Any]]) -> dict[bytes, _Subject]:
    return {
        raw: _Subject(STATES[code], operations, key, unpack_gate(packed), has_passed, held_at)
        for raw, code, operations, key, packed, has_passed, held_at in rows
    }


def _act_on(
    tx: Transaction,
    queue: int,
    name: str,
    verb: Verb,
    subjects: Mapping[bytes, _Subject],
    operation: str,
    reason: str,
) -> dict[bytes, State]:
    """The state of each job that it was applied to. The jobs are locked; those that had the operation are left."""
    groups: defaultdict[tuple[Effect, State], list[bytes]] = defaultdict(list)
    for raw, subject in subjects.items():
        if operation not in subject.operations:
            groups[EFFECTS[verb][subject.state], subject.state].append(raw)
    after: dict[bytes, State] = {}
    for (effect, before), group in groups.items():
        if effect is Effect.RUN_AFRESH:
            expire(tx, queue, [subjects[raw].unique_key for raw in group])
        moved = _apply(tx, queue, effect, before, group, operation, reason)
        after.update(dict.fromkeys(moved, _after(effect)))
        if moved and _after(effect) is State.PENDING:
            tx.ring(name)
    _leave_gates(Gates(tx, queue, name), subjects, after)
    return after


def _leave_gates(gates: Gates, subjects: Mapping[bytes, _Subject], after: Mapping[bytes, State]) -> None:
    """Slots given back, and lines that somebody left; also of those that stayed, whom others passed over meanwhile."""
    for raw, subject in subjects.items():
        gates.changed(subject.held_at)
        went = after.get(raw)
        if went is State.CANCELLED and subject.has_passed and subject.gate is not None:
            gates.freed(subject.gate.name)
        elif went is State.PENDING and subject.state is State.HELD:
            gates.passed_by_order(subject.gate)
    gates.settle()


def _seen(jobs: Sequence[tuple[bytes, State, int]]) -> dict[str, Any]:
    """Each job once, as columns."""
    once = dict.fromkeys(jobs)
    return {
        "raw": [raw for raw, _, _ in once],
        "state": [CODES[state] for _, state, _ in once],
        "score": [score for _, _, score in once],
    }


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
