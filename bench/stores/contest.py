"""Rates: ours and the bare rival in turns, in the same round and placement."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .contender import Door, Hands, Ours, Rival

BATCH = 100
MANY = 1_000
PLAIN_BATCH, PLAIN_ONE = f"claim and settle, {BATCH} a call", "claim and settle one by one"
WHOLE_BATCH, WHOLE_ONE = f"{PLAIN_BATCH}, all kept", f"{PLAIN_ONE}, all kept"


@dataclass(frozen=True)
class Discipline:
    """What is done; each side answers jobs a second."""

    name: str
    ours: Callable[[Ours], float]
    bare: Callable[[Rival], float]


@dataclass
class Results:
    """Of one discipline in one placement, round by round."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


def disciplines(share: float = 1.0) -> list[Discipline]:
    """Enqueues come first in a round, so that the line does not run empty. share: of the usual number of calls."""

    def calls(usual: int) -> int:
        return max(2, int(usual * share))

    one, many, turns = calls(300), calls(15), calls(50)
    return [
        Discipline("enqueue one by one", lambda o: enqueue(o.door, one, 1), lambda b: enqueue(b, one, 1)),
        Discipline(f"enqueue {MANY:,} a call", lambda o: enqueue(o.door, many, MANY), lambda b: enqueue(b, many, MANY)),
        Discipline(PLAIN_BATCH, lambda o: work(o.plain, turns, BATCH), lambda b: work(b, turns, BATCH)),
        Discipline(PLAIN_ONE, lambda o: work(o.plain, one, 1), lambda b: work(b, one, 1)),
        Discipline(WHOLE_BATCH, lambda o: work(o.whole, turns, BATCH), lambda b: work(b, turns, BATCH)),
        Discipline(WHOLE_ONE, lambda o: work(o.whole, one, 1), lambda b: work(b, one, 1)),
    ]


def compete(discipline: Discipline, results: Results, ours: Ours, bare: Rival | None, *, turn: int) -> None:
    """One round; who goes first changes from round to round."""
    gc.collect()
    if bare is not None and turn % 2:
        results.bare.append(discipline.bare(bare))
    results.ours.append(discipline.ours(ours))
    if bare is not None and not turn % 2:
        results.bare.append(discipline.bare(bare))


def work(hands: Hands, turns: int, want: int) -> float:
    """Jobs settled a second."""
    hands.turn(want)  # what another discipline left is settled outside the time
    done = [hands.turn(want) for _ in range(turns)]
    return sum(turn.settled for turn in done) / sum(turn.seconds for turn in done)


def enqueue(door: Door, number: int, size: int) -> float:
    """Jobs stored a second."""
    batches = door.batches(number, size)
    started = time.perf_counter()
    for batch in batches:
        batch()
    return number * size / (time.perf_counter() - started)
