"""The rounds of one store: rates beside the rival, then counts and every kind of page."""

from __future__ import annotations

import time
from collections.abc import Iterator

from core.backends.contract import Backend
from core.model.states import State

from .aim import Within
from .anatomy import Cost, cost
from .contender import Hands
from .contest import BATCH, MANY, Results, compete, disciplines
from .house import House
from .pages import Kind, kinds, read_ms
from .placement import FREE, placed, placements
from .progress import Progress
from .row import Row
from .series import Series

COUNTS_MS, PAGE_MS = 5, 50
_TIMES = 5  # a reader is asked in a round
_REPEATS = 20


Asked = dict[State, list[Kind]]


def rates(house: House, rounds: int, share: float, progress: Progress) -> list[Row]:
    """What workers and clients reach. share: of the usual number of calls in a round."""
    return list(_rates(house, rounds, share, progress))


def questions(house: House) -> Asked:
    """The pages to ask for; made when the rates are over, since they delete jobs."""
    return {state: kinds(house.store, state, house.filled.known[state]) for state in State}


def readers(house: House, asked: Asked, rounds: int, progress: Progress) -> list[Row]:
    """Counts, and the slowest kind of page of each state."""
    return list(_readers(house, asked, rounds, progress))


def _rates(house: House, rounds: int, share: float, progress: Progress) -> Iterator[Row]:
    places = (FREE,) if house.server is None else placements()
    chosen = disciplines(share)
    found = {(discipline.name, place): Results() for discipline in chosen for place in places}
    for turn in range(rounds + 1):  # the first is not noted: pages of files and of memory are touched again
        progress.say(f"round {turn} of {rounds}: rates")
        for discipline in chosen:
            for place in places:
                noted = found[discipline.name, place] if turn else Results()
                with placed(place, house.server):
                    compete(discipline, noted, house.ours, house.bare, turn=turn)
    for discipline in chosen:
        for place in places:
            results = found[discipline.name, place]
            yield Row(
                store=house.name,
                what=discipline.name if place == FREE else f"{discipline.name}, {place}",
                unit="jobs/s",
                ours=Series.of(results.ours),
                bare=Series.of(results.bare) if results.bare else None,
                aim=house.work_aims.get(discipline.name),
            )


def _readers(house: House, asked: Asked, rounds: int, progress: Progress) -> Iterator[Row]:
    counted: list[float] = []
    pages: dict[tuple[State, str], list[float]] = {(state, kind.name): [] for state in State for kind in asked[state]}
    for turn in range(rounds):
        progress.say(f"round {turn + 1} of {rounds}: counts and {len(pages)} kinds of page")
        counted += [_counts_ms(house.store) for _ in range(_TIMES)]
        for state in State:
            for kind in asked[state]:
                pages[state, kind.name] += [read_ms(house.store, kind.query) for _ in range(_TIMES)]
    yield Row(store=house.name, what="counts", unit="ms", ours=Series.of(counted), aim=Within(COUNTS_MS))
    for state in State:
        for has_filter in (False, True):
            chosen = [kind for kind in asked[state] if bool(kind.query.task) == has_filter]
            slowest = max(chosen, key=lambda kind: Series.of(pages[state, kind.name]).median)
            page = f"page of {state.value} by task" if has_filter else f"page of {state.value}"
            yield Row(
                store=house.name,
                what=f"{page}, slowest of {len(chosen)}: {slowest.name}",
                unit="ms",
                ours=Series.of(pages[state, slowest.name]),
                aim=Within(PAGE_MS),
            )


def _counts_ms(store: Backend) -> float:
    started = time.perf_counter()
    store.counts()
    return (time.perf_counter() - started) * 1000


def costs(house: House, asked: Asked) -> list[Cost]:
    """What the verbs cost a Redis; of each state's pages the costliest."""
    url, ours = house.url, house.ours
    found = []
    for what, hands in (("bare exchange", house.bare), ("exchange", ours.plain), ("exchange, all kept", ours.whole)):
        for batch in (BATCH, 1):
            assert hands is not None, "Redis has a rival"
            hands.turn(batch)
            found.append(cost(url, f"{what}, {batch} a call", lambda h=hands, n=batch: _repeat(h, n), calls=_REPEATS))
    found += [
        cost(url, "enqueue of 1", ours.door.batches(1, 1)[0]),
        cost(url, f"enqueue of {MANY:,}", ours.door.batches(1, MANY)[0]),
        cost(url, "counts", house.store.counts),
    ]
    for state, pages in asked.items():
        each = [cost(url, f"page of {state.value}: {kind.name}", lambda k=kind: _read(house, k)) for kind in pages]
        found.append(max(each, key=lambda entry: entry.script_us))
    return found


def _repeat(hands: Hands, want: int) -> None:
    for _ in range(_REPEATS):
        hands.turn(want)


def _read(house: House, kind: Kind) -> None:
    house.store.page(kind.query)
