"""Cron entries: definitions, the switch, and ticks that make exactly one job."""

from typing import Any

import pytest

from core.model.ident import JobRef, fire_raw
from core.model.job import NewJob
from core.model.schedule import StoredSchedule
from core.model.states import State, Verb

from .lab import ARGUMENTS, Lab
from .matrix import each_state

KEY = "shop.daily"
SPEC = b"\x81\xa4task\xa9shop.send"


def put(lab: Lab, **fields: Any) -> StoredSchedule:
    given = {"queue": "mail", "key": KEY, "spec": SPEC, "enabled": True, **fields}
    return lab.store.put_schedule(given["queue"], given["key"], given["spec"], enabled=given["enabled"])


def read(lab: Lab, key: str = KEY) -> StoredSchedule:
    [found] = [entry for entry in lab.store.schedules() if entry.key == key]
    return found


def tick_job(entry: StoredSchedule, fire_ms: int, **fields: Any) -> NewJob:
    raw = fire_raw(entry.key, fire_ms)
    return NewJob(**{"queue": entry.queue, "raw": raw, "task": "shop.send", "arguments": ARGUMENTS, **fields})


def tick(lab: Lab, entry: StoredSchedule, fire_ms: int, **fields: Any) -> bool:
    job = tick_job(entry, fire_ms, **fields)
    return lab.store.tick(entry.queue, entry.key, entry.version, entry.last_fire_ms, fire_ms, job)


# Definitions


def test_there_are_no_schedules_at_first(lab: Lab):
    assert list(lab.store.schedules()) == []


@pytest.mark.parametrize("enabled", [True, False])
def test_a_new_schedule_counts_its_ticks_from_now(lab: Lab, enabled: bool):
    lab.clock.move(55)
    entry = put(lab, enabled=enabled)
    assert (entry.queue, entry.key, entry.spec, entry.enabled) == ("mail", KEY, SPEC, enabled)
    assert (entry.last_fire_ms, entry.last_job) == (lab.now, b"")


def test_what_put_answers_is_what_is_stored(lab: Lab):
    entry = put(lab)
    assert list(lab.store.schedules()) == [entry]


def test_putting_the_same_definition_again_changes_nothing(lab: Lab):
    entry = put(lab)
    lab.clock.move(1_000)
    assert put(lab) == entry
    assert read(lab) == entry


def test_a_new_definition_raises_the_version_and_keeps_the_last_fire(lab: Lab):
    entry = put(lab)
    lab.clock.move(1_000)
    changed = put(lab, spec=b"\x80")
    assert (changed.spec, changed.last_fire_ms, changed.enabled) == (b"\x80", entry.last_fire_ms, True)
    assert changed.version > entry.version
    assert read(lab) == changed


def test_putting_a_definition_does_not_touch_the_switch_of_a_known_key(lab: Lab):
    put(lab, enabled=True)
    lab.store.switch_schedule("mail", KEY, enabled=False)
    assert not put(lab, spec=b"\x80", enabled=True).enabled


def test_schedules_are_listed_by_key_over_all_queues(lab: Lab):
    for key, queue in (("c", "a"), ("a", "b"), ("b", "a")):
        put(lab, key=key, queue=queue)
    assert [(entry.key, entry.queue) for entry in lab.store.schedules()] == [("a", "b"), ("b", "a"), ("c", "a")]


def test_two_schedules_of_one_queue_are_apart(lab: Lab):
    put(lab)
    put(lab, key="other", spec=b"\x80")
    lab.store.switch_schedule("mail", "other", enabled=False)
    assert (read(lab).enabled, read(lab).spec) == (True, SPEC)


def test_a_removed_schedule_is_gone(lab: Lab):
    put(lab)
    assert lab.store.remove_schedule("mail", KEY)
    assert list(lab.store.schedules()) == []


def test_removing_what_is_not_there_says_so(lab: Lab):
    put(lab)
    assert not lab.store.remove_schedule("mail", "other")
    assert not lab.store.remove_schedule("bills", KEY)
    assert len(lab.store.schedules()) == 1


def test_a_schedule_put_again_after_its_removal_begins_anew(lab: Lab):
    put(lab)
    lab.store.remove_schedule("mail", KEY)
    lab.clock.move(1_000)
    again = put(lab, enabled=False)
    assert (again.last_fire_ms, again.enabled) == (lab.now, False)


# The switch


def test_switching_off_keeps_the_last_fire(lab: Lab):
    entry = put(lab)
    lab.clock.move(1_000)
    switched = lab.store.switch_schedule("mail", KEY, enabled=False)
    assert switched is not None
    assert (switched.enabled, switched.last_fire_ms) == (False, entry.last_fire_ms)
    assert switched.version > entry.version


def test_switching_on_leaves_what_was_missed_missed(lab: Lab):
    put(lab, enabled=False)
    lab.clock.move(1_000_000)
    switched = lab.store.switch_schedule("mail", KEY, enabled=True)
    assert switched is not None
    assert (switched.enabled, switched.last_fire_ms) == (True, lab.now)


@pytest.mark.parametrize("enabled", [True, False])
def test_switching_to_what_it_is_changes_nothing(lab: Lab, enabled: bool):
    entry = put(lab, enabled=enabled)
    lab.clock.move(1_000)
    assert lab.store.switch_schedule("mail", KEY, enabled=enabled) == entry
    assert read(lab) == entry


def test_switching_an_unknown_key_answers_none(lab: Lab):
    put(lab)
    assert lab.store.switch_schedule("mail", "other", enabled=False) is None


# Ticks


def test_a_tick_stores_its_job_and_moves_the_last_fire(lab: Lab):
    entry = put(lab)
    fire_ms = lab.now + 60_000
    lab.clock.move(60_500)
    assert tick(lab, entry, fire_ms)
    moved = read(lab)
    assert (moved.last_fire_ms, moved.last_job) == (fire_ms, fire_raw(KEY, fire_ms))
    assert lab.state(JobRef("mail", fire_raw(KEY, fire_ms))) is State.PENDING


def test_a_ticks_job_is_claimed_like_any_other(lab: Lab):
    entry = put(lab)
    tick(lab, entry, lab.now + 1, priority=7, options=b"\x81\xa1s\xa1k")
    claim = lab.claim_one()
    assert (claim.raw, claim.priority, claim.options) == (fire_raw(KEY, lab.now + 1), 7, b"\x81\xa1s\xa1k")


@pytest.mark.parametrize("delay_ms", [0, 5_000])
def test_a_tick_may_carry_a_delay(lab: Lab, delay_ms: int):
    entry = put(lab)
    tick(lab, entry, lab.now + 1, delay_ms=delay_ms)
    expected = State.SCHEDULED if delay_ms else State.PENDING
    assert lab.state(JobRef("mail", fire_raw(KEY, lab.now + 1))) is expected


def test_two_schedulers_make_one_job_of_a_tick(lab: Lab, meet):
    entry = put(lab)
    other = Lab(meet(), lab.clock)
    assert [tick(one, entry, lab.now + 1) for one in (lab, other)] == [True, False]
    assert lab.count(State.PENDING) == 1


def test_a_tick_moves_the_version_neither_up_nor_down(lab: Lab):
    entry = put(lab)
    tick(lab, entry, lab.now + 1)
    assert read(lab).version == entry.version


def test_a_tick_with_an_old_last_fire_is_refused(lab: Lab):
    entry = put(lab)
    tick(lab, entry, lab.now + 1)
    assert not tick(lab, entry, lab.now + 2)
    assert lab.count(State.PENDING) == 1


def test_ticks_follow_each_other(lab: Lab):
    entry = put(lab)
    for n in range(1, 4):
        assert tick(lab, entry, lab.now + n)
        entry = read(lab)
    assert lab.count(State.PENDING) == 3


def test_a_tick_of_a_definition_that_has_changed_is_refused(lab: Lab):
    entry = put(lab)
    put(lab, spec=b"\x80")
    assert not tick(lab, entry, lab.now + 1)
    assert read(lab).last_fire_ms == entry.last_fire_ms


def test_a_tick_of_a_schedule_that_is_switched_off_is_refused(lab: Lab):
    entry = put(lab, enabled=False)
    assert not tick(lab, entry, lab.now + 1)
    assert lab.look(JobRef("mail", fire_raw(KEY, lab.now + 1))) is None


def test_a_tick_computed_before_the_schedule_was_off_and_on_is_refused(lab: Lab):
    entry = put(lab)
    for enabled in (False, True):
        lab.store.switch_schedule("mail", KEY, enabled=enabled)
    assert not tick(lab, entry, lab.now + 1)


def test_a_tick_of_a_removed_schedule_is_refused(lab: Lab):
    entry = put(lab)
    lab.store.remove_schedule("mail", KEY)
    assert not tick(lab, entry, lab.now + 1)
    assert lab.look(JobRef("mail", fire_raw(KEY, lab.now + 1))) is None


@each_state("tick")
def test_a_tick_whose_job_is_there_already_moves_on_without_it(lab: Lab, state: State):
    entry = put(lab)
    ref = lab.arrive(state, raw=fire_raw(KEY, lab.now + 1))
    before = lab.read(ref)
    tick(lab, entry, lab.now + 1)
    assert lab.read(ref) == before
    assert read(lab).last_fire_ms == lab.now + 1


def test_a_tick_whose_unique_key_is_held_moves_on_without_a_job(lab: Lab):
    entry = put(lab)
    holder = lab.enqueue(unique_key="one at a time")
    assert tick(lab, entry, lab.now + 1, unique_key="one at a time")
    assert read(lab).last_fire_ms == lab.now + 1
    assert lab.refs(State.PENDING) == [holder]


def test_the_next_tick_runs_though_the_job_of_the_last_was_cancelled(lab: Lab):
    entry = put(lab)
    tick(lab, entry, lab.now + 1)
    lab.act(Verb.CANCEL, JobRef("mail", fire_raw(KEY, lab.now + 1)))
    assert tick(lab, read(lab), lab.now + 2)
    assert lab.claim_one().raw == fire_raw(KEY, lab.now + 2)


def test_a_paused_queue_takes_the_jobs_of_its_ticks(lab: Lab):
    entry = put(lab)
    lab.store.pause("mail", "maintenance")
    assert tick(lab, entry, lab.now + 1)
    assert lab.count(State.PENDING) == 1


def test_a_definition_of_many_kilobytes_comes_back_whole(lab: Lab):
    spec = bytes(range(256)) * 64
    assert put(lab, spec=spec).spec == spec
    assert read(lab).spec == spec
