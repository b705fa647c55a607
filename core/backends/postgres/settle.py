"""Settling: what the outcomes of a batch do to their jobs, if the claims still hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from psycopg import Cursor

from ...model.gate import Gate
from ...model.outcome import Outcome
from ...model.states import FINAL, State
from ..contract import Exchange
from ..sql.codec import CODES, STATES, joined, unpack_gate
from .gates import Gates
from .intake import add
from .notes import close_notes
from .transaction import Transaction

_ENDS_ATTEMPT: Final = FINAL | {State.FAILED}
_STREAMS: Final = ("failures", "completed")


def settle_all(tx: Transaction, queue: int, call: Exchange, gates: Gates, behind: Callable[[], object]) -> list[bytes]:
    """Apply the outcomes whose claim still holds; answers the raw ids of the others. behind: runs what shares the trip
    with the first of them."""
    refused = _settle_in_turns(tx, queue, call, gates, behind)
    accepted = [outcome for place, outcome in enumerate(call.outcomes) if place not in refused]
    for stream in _STREAMS:
        lines = [outcome.line for outcome in accepted if outcome.stream == stream]
        if lines:
            tx.write_journal(queue, stream, joined(lines))
    follow_ups = [job for outcome in accepted for job in outcome.then]
    if follow_ups:
        add(tx, follow_ups)
    tx.count_minutes(queue, call.minutes)
    return [outcome.raw for place, outcome in enumerate(call.outcomes) if place in refused]


def _settle_in_turns(
    tx: Transaction, queue: int, call: Exchange, gates: Gates, behind: Callable[[], object]
) -> set[int]:
    """The places of those refused. Outcomes for the same job come one after the other: the first that holds wins."""
    refused: set[int] = set()
    waiting = list(enumerate(call.outcomes))
    while waiting:
        turn: dict[bytes, tuple[int, Outcome]] = {}
        for place, outcome in waiting:
            turn.setdefault(outcome.raw, (place, outcome))
        with tx.together():
            found = _ask(tx, queue, [outcome for _, outcome in turn.values()])
            behind()
        went = _went(tx, queue, found, gates)
        for code in went.values():
            _count(tx, queue, STATES[code])
            if code < CODES[State.COMPLETED]:
                tx.ring(call.queue)
        refused |= {place for raw, (place, _) in turn.items() if raw not in went}
        done = {place for place, _ in turn.values()}
        waiting = [(place, outcome) for place, outcome in waiting if place not in done]
    return refused


def _ask(tx: Transaction, queue: int, outcomes: Sequence[Outcome]) -> Cursor[tuple[Any, ...]]:
    return tx.run(
        "settle",
        queue=queue,
        now=tx.now_ms,
        raw=[outcome.raw for outcome in outcomes],
        token=[outcome.token for outcome in outcomes],
        state=[CODES[outcome.state] for outcome in outcomes],
        charge=[int(outcome.charge) for outcome in outcomes],
        delay_ms=[outcome.delay_ms for outcome in outcomes],
        result=[outcome.result for outcome in outcomes],
        error=[outcome.error for outcome in outcomes],
        reason=[outcome.reason for outcome in outcomes],
        line=[outcome.line for outcome in outcomes],
        if_expired=[outcome.if_expired for outcome in outcomes],
        held_at=[outcome.held_at for outcome in outcomes] if any(outcome.held_at for outcome in outcomes) else [],
    )


def _went(tx: Transaction, queue: int, found: Cursor[tuple[Any, ...]], gates: Gates) -> dict[bytes, int]:
    """The jobs whose claim held, and the number of the state that each went to."""
    went: dict[bytes, int] = {}
    rows, completed = found.fetchall(), CODES[State.COMPLETED]
    close_notes(tx, queue, [raw for raw, code, *_, has_note in rows if has_note and code == completed])
    for raw, code, packed, has_passed, held_at, _ in rows:
        went[raw] = code
        own = unpack_gate(packed)
        if own and has_passed:
            gates.freed(own.name)
        if held_at:
            gates.came(own if own and own.name == held_at else Gate(held_at))
    return went


def _count(tx: Transaction, queue: int, state: State) -> None:
    tx.left(queue, State.RUNNING)
    tx.arrived(queue, state)
    if state in _ENDS_ATTEMPT:
        tx.ended_attempt(queue, state)
