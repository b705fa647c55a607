"""The bytes of jobs and outcomes, there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.backends.redis import codec
from core.backends.redis.keys import STATE_NUMBERS
from core.model.gate import Gate
from core.model.job import NewJob, Unique
from core.model.outcome import Outcome
from core.model.states import State

from .conftest import job

jobs = st.builds(
    NewJob,
    queue=st.just("mail"),
    raw=st.binary(min_size=14, max_size=14),
    task=st.text(st.characters(min_codepoint=46, max_codepoint=122), min_size=1, max_size=200),
    arguments=st.binary(max_size=300),
    options=st.binary(max_size=70_000),
    priority=st.integers(-100, 100),
    max_attempts=st.integers(1, 10_000),
    unique_key=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
numbers = st.integers(0, 2**53)
gates = st.builds(Gate, names, limit=numbers, interval_us=numbers, burst=st.integers(1, 2**53))
kinds = st.sampled_from(Unique)


@given(jobs, st.integers(0, 2**47))
def test_a_record_gives_back_what_went_in(new: NewJob, enqueued_ms: int):
    item = codec.pack_item(new)
    assert item[:15] == new.raw + b"\x00"
    record = enqueued_ms.to_bytes(6, "big") + item[15:]
    stored = codec.unpack_job("mail", new.raw, [STATE_NUMBERS[State.PENDING], b"7", record, None, None, None])
    assert stored is not None
    for name in ("ref", "task", "arguments", "options", "priority", "max_attempts", "unique_key"):
        assert getattr(stored, name) == getattr(new, name)
    assert (stored.enqueued_ms, stored.score, stored.attempts) == (enqueued_ms, 7, 0)


@given(jobs, st.none() | gates, kinds, st.integers(1, 2**40))
def test_a_gate_and_the_kind_of_a_key_come_back_beside_the_rest(new: NewJob, gate: Gate | None, kind: Unique, ms: int):
    new = replace(new, gate=gate, unique=kind, unique_ms=ms if kind is Unique.FOR_A_TIME else 0)
    stored = codec.unpack_job(
        "mail", new.raw, [1, b"7", (5).to_bytes(6, "big") + codec.pack_item(new)[15:], None, None, None]
    )
    assert stored is not None
    for name in ("task", "arguments", "options", "unique_key", "unique", "gate"):
        assert getattr(stored, name) == getattr(new, name)
    assert stored.unique_until_ms == (5 + ms if kind is Unique.FOR_A_TIME else 0)


def test_an_ordinary_job_is_stored_as_it_ever_was():
    new = job(raw=b"r" * 14, task="shop.send", options=b"OO", arguments=b"AAA", unique_key="key", priority=5)
    head = b"\x01\x5f" + (4).to_bytes(2, "big") + b"\x09" + (3).to_bytes(2, "big") + (2).to_bytes(3, "big")
    assert codec.pack_item(new) == b"r" * 14 + b"\x00" + head + b"shop.sendkeyOOAAA"


def test_a_delay_and_a_time_travel_beside_the_record():
    assert codec.pack_item(job(delay_ms=5))[14:21] == b"\x01" + (5).to_bytes(6, "big")
    assert codec.pack_item(job(run_at_ms=7))[14:21] == b"\x02" + (7).to_bytes(6, "big")


def test_a_raw_id_of_another_length_is_refused():
    with pytest.raises(ValueError, match="14 bytes"):
        codec.pack_item(job(raw=b"short"))


def test_the_line_of_an_outcome_is_the_end_of_its_bytes():
    packed = codec.pack_outcome(Outcome(b"r" * 14, 3, State.DEAD, result=b"R", error=b"EE", reason="why", line=b"LINE"))
    assert packed.endswith(b"REE" + (4).to_bytes(4, "big") + b"LINE")


def test_sums_are_packed_by_task_and_come_back_by_metric():
    sums = {"a|completed": 1, "a|wait:3": 2, "b|run_ms": 2**40}
    packed = codec.pack_sums(sums)
    assert len(packed) == 2
    back: dict[str, int] = {}
    for task, value in zip(("a", "b"), packed, strict=True):
        back |= codec.unpack_sums(task, value[3:])
    assert back == sums


def test_a_delay_from_an_outbox_counts_from_when_it_was_put_there():
    new = job("other", delay_ms=500)
    packed = codec.pack_for_elsewhere(1, new)
    value = (1_000).to_bytes(6, "big") + packed[4 + 2 + 14 + len("other") :]
    moved = codec.unpack_from_elsewhere(value)
    assert (moved.raw, moved.delay_ms, moved.run_at_ms) == (new.raw, 0, 1_500)
