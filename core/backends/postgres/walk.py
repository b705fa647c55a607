"""The walk of a page: over all queues at once when it is short, queue by queue in growing steps when it may be long.

A filter may look at thousands of jobs. Asked for all of them at once, the server would read as many of every queue,
sort them together and throw most of them away; and mostly the page is full long before.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ...model.states import State
from ..contract import PageQuery
from ..sql.codec import CODES
from ..sql.paging import Place, bound_of, edge_of, is_descending
from .transaction import Transaction

_FIRST: Final = 100  # places of each queue in the first step
_GROWTH: Final = 3
_LARGEST: Final = 2_500


def walk(tx: Transaction, query: PageQuery, names: Sequence[str], ids: Mapping[str, int]) -> Iterator[Place]:
    """The places of some queues in the order of the walk; one more than is looked at, if there are so many."""
    edges = {name: edge_of(query, name) for name in names}
    most = bound_of(query) + 1
    if not names:
        return iter(())
    if most <= _FIRST or query.state is State.RUNNING:  # who runs is in no order yet: all are read each time
        return iter(_step(tx, query, edges, ids, each=most, most=most))
    first: defaultdict[str, list[Place]] = defaultdict(list)
    for place in _step(tx, query, edges, ids, each=_FIRST, most=_FIRST * len(names)):
        first[place.queue].append(place)
    walks = [_one_queue(tx, query, ids, first[name]) for name in names if first[name]]
    return heapq.merge(*walks, key=_order, reverse=is_descending(query))


def _one_queue(tx: Transaction, query: PageQuery, ids: Mapping[str, int], places: list[Place]) -> Iterator[Place]:
    """A queue's places from its first step on."""
    size = _FIRST
    while places:
        yield from places
        if len(places) < size:
            return
        size = min(size * _GROWTH, _LARGEST)
        last = places[-1]
        places = _step(tx, query, {last.queue: (last.score, last.raw)}, ids, each=size, most=size)


def _step(
    tx: Transaction,
    query: PageQuery,
    edges: Mapping[str, tuple[int, bytes]],
    ids: Mapping[str, int],
    *,
    each: int,
    most: int,
) -> list[Place]:
    """The next places behind the edges: at most `each` of a queue and `most` together."""
    values = {
        "queues": [ids[name] for name in edges],
        "score": [score for score, _ in edges.values()],
        "raw": [raw for _, raw in edges.values()],
        "state": CODES[query.state],
        "limit": each,
        "most": most,
    }
    statement = tx.sql.page(query.state, descending=is_descending(query))
    return [Place(*row) for row in tx.db.execute(statement, values, binary=True).fetchall()]


def _order(place: Place) -> tuple[int, str, bytes]:
    return place[:3]
