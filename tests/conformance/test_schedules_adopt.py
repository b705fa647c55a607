"""Schedules that move from one store to another: taken over as they are."""

import pytest
from msgspec.structs import replace

from core.model.schedule import StoredSchedule
from core.model.states import State

from .lab import Lab


def entry(**fields) -> StoredSchedule:
    known = {"queue": "mail", "key": "nightly", "spec": b"\x81\xa4task\xa1t", "enabled": True, "version": 3}
    return StoredSchedule(**{**known, "last_fire_ms": 1_700_000_000_000, "last_job": b"j" * 14, **fields})


@pytest.mark.parametrize("fields", [{}, {"enabled": False}, {"last_job": b""}, {"version": 1}], ids=str)
def test_a_schedule_is_taken_over_as_it_is(lab: Lab, fields: dict):
    schedule = entry(**fields)
    assert lab.store.adopt_schedule(schedule) is True
    assert list(lab.store.schedules()) == [schedule]
    assert [counts.queue for counts in lab.store.counts()] == ["mail"]


def test_a_schedule_whose_key_is_there_is_left_as_it_is(lab: Lab):
    put = lab.store.put_schedule("mail", "nightly", b"\x80", enabled=False)
    assert lab.store.adopt_schedule(entry()) is False
    assert list(lab.store.schedules()) == [put]


def test_a_schedule_of_the_same_key_in_another_queue_is_taken_over(lab: Lab):
    lab.store.put_schedule("bills", "nightly", b"\x80", enabled=False)
    assert lab.store.adopt_schedule(entry()) is True


def test_a_schedule_taken_over_fires_from_where_it_stood(lab: Lab):
    schedule = entry()
    lab.store.adopt_schedule(schedule)
    job, fire_ms = lab.job(), schedule.last_fire_ms + 60_000
    assert not lab.store.tick("mail", "nightly", 1, schedule.last_fire_ms, fire_ms, job)
    assert lab.store.tick("mail", "nightly", 3, schedule.last_fire_ms, fire_ms, job)
    assert lab.state(job.ref) is State.PENDING
    [fired] = lab.store.schedules()
    assert fired == replace(schedule, last_fire_ms=fire_ms, last_job=job.raw)


def test_a_schedule_taken_over_can_be_switched_and_changed(lab: Lab):
    lab.store.adopt_schedule(entry())
    off = lab.store.switch_schedule("mail", "nightly", enabled=False)
    assert (off.enabled, off.version) == (False, 4)
    changed = lab.store.put_schedule("mail", "nightly", b"\x80", enabled=True)
    assert (changed.enabled, changed.version, changed.spec) == (False, 5, b"\x80")
