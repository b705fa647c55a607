"""Job ids: ordered, unique across forks, readable back, derived again."""

import os
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.model.ident import RAW_BYTES, IdMaker, JobRef, derived_raw, fire_raw, new_raw


def test_ids_of_one_process_only_grow() -> None:
    ids = [new_raw() for _ in range(5_000)]
    assert ids == sorted(set(ids))
    assert {len(raw) for raw in ids} == {RAW_BYTES}


def test_an_id_begins_with_the_time_it_was_made() -> None:
    before = time.time_ns() // 1_000_000
    made = int.from_bytes(IdMaker().next()[:6], "big")
    assert before <= made <= time.time_ns() // 1_000_000


def test_a_forked_child_does_not_repeat_its_parents_ids() -> None:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, new_raw()[8:])
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 6) != new_raw()[8:]
    os.close(read)
    os.close(write)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True), st.binary(min_size=14, max_size=14))
def test_a_public_id_reads_back(queue: str, raw: bytes) -> None:
    assert JobRef.parse(str(JobRef(queue, raw))) == JobRef(queue, raw)


@given(st.binary(min_size=14, max_size=14), st.binary(min_size=14, max_size=14))
def test_public_ids_sort_as_raw_ones(one: bytes, other: bytes) -> None:
    assert (str(JobRef("q", one)) < str(JobRef("q", other))) == (one < other)


@pytest.mark.parametrize(
    "text", ["", "x", "~", "default~", "default~short", "../~" + "0" * 23, "default~" + "v" * 23, "default~" + "w" * 23,
             "default~" + "0" * 24, "a b~" + "0" * 23, "default~" + "_" * 23, "default~" + "٠" * 23]
)  # fmt: skip
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="not a job id"):
        JobRef.parse(text)


@pytest.mark.parametrize("thing", [None, 5, b"default~" + b"0" * 23])
def test_what_is_no_text_is_no_id(thing: Any) -> None:
    with pytest.raises(InvalidInput, match="not a job id"):
        JobRef.parse(thing)


def test_a_follow_up_has_the_same_id_whoever_makes_it() -> None:
    parent = new_raw()
    assert derived_raw(parent, "next") == derived_raw(parent, "next")
    assert len({derived_raw(parent, "next"), derived_raw(parent, "other"), derived_raw(new_raw(), "next")}) == 3


def test_a_tick_has_one_id() -> None:
    assert fire_raw("daily", 60_000) == fire_raw("daily", 60_000)
    assert len({fire_raw("daily", 60_000), fire_raw("daily", 120_000), fire_raw("hourly", 60_000)}) == 3


@pytest.mark.timeout(10)
def test_a_child_forked_while_another_thread_makes_an_id_can_make_one() -> None:
    maker = IdMaker()
    with maker._lock:  # as another thread would hold it
        maker.reseed()
        assert len(maker.next()) == RAW_BYTES
