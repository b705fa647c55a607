"""Search: bytes that a job's arguments or options contain, looked for in the store, within bounds it tells."""

from collections.abc import Sequence

import msgspec
import pytest

from core.backends.contract import Cursor, Page
from core.model.ident import JobRef
from core.model.limits import MAX_NEEDLES
from core.model.states import State

from .lab import Lab
from .matrix import covers, each_state

# What a pattern language, an encoding or a text column would stumble over.
AWKWARD = [
    b"\x00",
    b"\xff\xfe",
    b"%",
    b"_",
    b"\\",
    b"'",
    b"*",
    b"[a-z]",
    b"\n",
    b".",
    b"\xc3",
    b"\xcc\x80",
    b"\x00" * 40,
]


def arguments(**fields: object) -> bytes:
    return msgspec.msgpack.encode(fields)


def text(name: str) -> bytes:
    """How a text stands in MessagePack."""
    return msgspec.msgpack.encode(name)


def found(page: Page) -> list[JobRef]:
    return [job.ref for job in page.jobs]


@each_state("search")
def test_a_search_finds_what_the_arguments_contain(lab: Lab, state: State):
    wanted = lab.arrive(state, arguments=arguments(to="eve", copies=3))
    lab.arrive(state, arguments=arguments(to="bob", copies=3))
    page = lab.page(state, having=(text("eve"),))
    assert (found(page), page.scanned, page.exhausted, page.next) == ([wanted], 2, True, None)


@pytest.mark.parametrize("needle", AWKWARD, ids=lambda needle: needle.hex()[:8])
def test_bytes_mean_nothing_but_themselves(lab: Lab, needle: bytes):
    wanted = lab.enqueue(arguments=b"\xc4\x60before" + needle + b"after")
    lab.enqueue(arguments=b"\xc4\x0bbeforeXafter")
    assert found(lab.page(State.PENDING, having=(needle,))) == [wanted]
    assert found(lab.page(State.PENDING, having=(b"before" + needle + b"after",))) == [wanted]


def test_upper_and_lower_case_are_different_bytes(lab: Lab):
    lab.enqueue(arguments=arguments(to="EVE"))
    assert found(lab.page(State.PENDING, having=(text("eve"),))) == []


def test_the_end_and_the_beginning_are_searched_too(lab: Lab):
    ref = lab.enqueue(arguments=b"\x81\xa1a\xa3xyz")
    assert found(lab.page(State.PENDING, having=(b"\x81",))) == [ref]
    assert found(lab.page(State.PENDING, having=(b"z",))) == [ref]
    assert found(lab.page(State.PENDING, having=(b"\x81\xa1a\xa3xyz",))) == [ref]
    assert found(lab.page(State.PENDING, having=(b"\x81\xa1a\xa3xyz\x00",))) == []


def test_options_are_searched_too(lab: Lab):
    wanted = lab.enqueue(options=arguments(m={"user": "eve"}))
    lab.enqueue(options=arguments(m={"user": "bob"}))
    lab.enqueue()
    assert found(lab.page(State.PENDING, having=(text("eve"),))) == [wanted]


def test_what_runs_over_from_arguments_to_options_is_not_found(lab: Lab):
    lab.enqueue(arguments=b"\xa2ab", options=b"\xa2cd")
    assert found(lab.page(State.PENDING, having=(b"b\xa2c",))) == []


def test_every_needle_has_to_be_there(lab: Lab):
    both = lab.enqueue(arguments=arguments(to="eve"), options=arguments(m={"shop": "paris"}))
    lab.enqueue(arguments=arguments(to="eve"))
    lab.enqueue(options=arguments(m={"shop": "paris"}))
    assert found(lab.page(State.PENDING, having=(text("eve"), text("paris")))) == [both]
    assert found(lab.page(State.PENDING, having=(text("paris"), text("eve")))) == [both]


def test_as_many_needles_as_are_allowed(lab: Lab):
    names = [f"name-{number}" for number in range(MAX_NEEDLES)]
    every = lab.enqueue(arguments=arguments(**dict.fromkeys(names)))
    lab.enqueue(arguments=arguments(**dict.fromkeys(names[1:])))
    assert found(lab.page(State.PENDING, having=tuple(map(text, names)))) == [every]


def test_results_and_errors_are_not_searched(lab: Lab):
    lab.finish(lab.start(), State.DEAD, result=text("paris"), error=text("paris"), line=text("paris"))
    assert found(lab.page(State.DEAD, having=(text("paris"),))) == []


def test_a_large_payload_is_searched_to_its_end(lab: Lab):
    wanted = lab.enqueue(arguments=arguments(blob=b"\x00" * 200_000, to="eve"))
    lab.enqueue(arguments=arguments(blob=b"\x00" * 200_000, to="bob"))
    assert found(lab.page(State.PENDING, having=(text("eve"),))) == [wanted]


def test_a_task_and_bytes_narrow_together(lab: Lab):
    wanted = lab.enqueue(task="shop.send", arguments=arguments(to="eve"))
    lab.enqueue(task="shop.bill", arguments=arguments(to="eve"))
    lab.enqueue(task="shop.send", arguments=arguments(to="bob"))
    page = lab.page(State.PENDING, task="shop.send", having=(text("eve"),))
    assert (found(page), page.scanned) == ([wanted], 3)
    assert len(found(lab.page(State.PENDING, task="shop.*", having=(text("eve"),)))) == 2


def test_a_search_goes_over_several_queues_in_one_order(lab: Lab):
    refs = [lab.enqueue(queue=queue, arguments=arguments(to="eve")) for queue in ("b", "a", "b")]
    lab.enqueue(queue="c", arguments=arguments(to="eve"))
    page = lab.page(State.PENDING, queues=("a", "b"), having=(text("eve"),))
    assert set(found(page)) == set(refs)
    assert page.scanned == 3


def seek(lab: Lab, needles: Sequence[bytes], *, scan_limit: int, limit: int = 50) -> list[Page]:
    """Page after page, until the state is searched."""
    pages = [lab.page(State.PENDING, having=tuple(needles), scan_limit=scan_limit, limit=limit)]
    while pages[-1].next is not None:
        after: Cursor = pages[-1].next
        assert len(pages) < 50, "a search does not end"
        query = {"having": tuple(needles), "scan_limit": scan_limit, "limit": limit, "after": after}
        pages.append(lab.page(State.PENDING, **query))
    return pages


@covers("search", State.PENDING)
def test_a_search_says_how_far_it_looked_and_goes_on_from_there(lab: Lab):
    for number in range(25):
        lab.enqueue(arguments=arguments(to="eve" if number in (3, 17) else "bob"))
    pages = seek(lab, [text("eve")], scan_limit=10)
    assert [(len(page.jobs), page.scanned, page.exhausted) for page in pages] == [
        (1, 10, False),
        (1, 10, False),
        (0, 5, True),
    ]


def test_a_page_that_is_full_stops_looking(lab: Lab):
    refs = [lab.enqueue(arguments=arguments(to="eve" if number % 2 else "bob")) for number in range(10)]
    pages = seek(lab, [text("eve")], scan_limit=100, limit=2)
    assert [ref for page in pages for ref in found(page)] == refs[1::2]
    assert [page.scanned for page in pages] == [4, 4, 2]


def test_a_search_backwards_finds_the_page_before(lab: Lab):
    refs = [lab.enqueue(arguments=arguments(to="eve" if number % 2 else "bob")) for number in range(10)]
    first = lab.page(State.PENDING, having=(text("eve"),), limit=2)
    second = lab.page(State.PENDING, having=(text("eve"),), limit=2, after=first.next)
    assert found(second) == [refs[5], refs[7]]
    back = lab.page(State.PENDING, having=(text("eve"),), limit=2, before=second.previous)
    assert found(back) == [refs[1], refs[3]]


def test_a_search_that_finds_nothing_says_what_it_looked_at(lab: Lab):
    for _ in range(12):
        lab.enqueue()
    page = lab.page(State.PENDING, having=(text("nobody"),), scan_limit=10)
    assert (found(page), page.scanned, page.exhausted) == ([], 10, False)
    assert page.next is not None
    rest = lab.page(State.PENDING, having=(text("nobody"),), scan_limit=10, after=page.next)
    assert (rest.scanned, rest.exhausted, rest.next) == (2, True, None)


def test_no_needles_find_everything(lab: Lab):
    refs = [lab.enqueue() for _ in range(3)]
    assert found(lab.page(State.PENDING, having=())) == refs
