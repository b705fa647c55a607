"""Each tick makes one job; what was missed is one run."""

import pytest

from core.app import Jobs
from core.model.cron import Every
from core.model.ident import fire_raw
from core.model.schedule import ScheduleSpec, pack_spec, unpack_spec
from core.model.states import State
from core.tasks.declare import schedule
from core.worker.scheduler import Scheduler
from tests.unit.worker.bench import HandClock


def clean(days: int = 7) -> None:
    """A task to schedule."""


@pytest.fixture
def scheduler(jobs: Jobs) -> Scheduler:
    task = jobs.register("clean", clean, queue="care")
    schedule(Every(minutes=5), key="care", arguments={"days": 3}, registry=jobs.registry, priority=5)(task)
    made = Scheduler(jobs)
    made.declare()
    return made


def test_a_declaration_is_stored_whole(jobs: Jobs, scheduler: Scheduler) -> None:
    [entry] = jobs.backend.schedules()
    spec = unpack_spec(entry.spec)
    assert (entry.queue, entry.key, entry.enabled) == ("care", "care", True)
    assert (spec.task, spec.every_ms, spec.arguments, spec.priority) == ("clean", 300_000, {"days": 3}, 5)


def test_a_tick_makes_one_job_for_any_number_of_schedulers(jobs: Jobs, scheduler: Scheduler, clock: HandClock) -> None:
    clock.move(300)
    for each in (scheduler, Scheduler(jobs), scheduler):
        each.take_ticks()
    [job] = jobs.recent(state=State.PENDING)
    assert (job.task, job.arguments, job.priority) == ("clean", {"days": 3}, 5)
    assert job.options.schedule == "care"


def test_after_a_long_stop_only_the_newest_tick_is_taken(jobs: Jobs, scheduler: Scheduler, clock: HandClock) -> None:
    clock.move(3600)
    scheduler.take_ticks()
    [job] = jobs.recent(state=State.PENDING)
    newest = clock.at_ms // 300_000 * 300_000
    assert job.stored.ref.raw == fire_raw("care", newest)


def test_a_schedule_that_is_switched_off_does_not_fire(jobs: Jobs, scheduler: Scheduler, clock: HandClock) -> None:
    jobs.control.switch("care", enabled=False)
    clock.move(600)
    scheduler.take_ticks()
    assert not jobs.recent(state=State.PENDING)


def test_it_sleeps_until_the_next_tick_but_looks_often_for_what_others_changed(
    scheduler: Scheduler, clock: HandClock
) -> None:
    to_next = 300_000 - clock.at_ms % 300_000
    clock.at_ms += to_next - 400
    assert scheduler.take_ticks() == pytest.approx(0.4)
    clock.move(0.4)
    assert scheduler.take_ticks() == 1.0


def test_one_that_moved_to_another_queue_leaves_the_old_one(jobs: Jobs, scheduler: Scheduler) -> None:
    jobs.backend.put_schedule("old", "care", pack_spec(ScheduleSpec(task="clean")), enabled=True)
    scheduler.declare()
    assert [entry.queue for entry in jobs.backend.schedules()] == ["care"]


def test_one_that_cannot_be_read_does_not_keep_the_others_from_firing(
    jobs: Jobs, scheduler: Scheduler, clock: HandClock
) -> None:
    jobs.backend.put_schedule(
        "care",
        "a-broken-zone",
        pack_spec(ScheduleSpec(task="clean", cron="* * * * *", timezone="No/Where")),
        enabled=True,
    )
    jobs.backend.put_schedule("care", "bytes", b"\xc1", enabled=True)
    clock.move(300)
    scheduler.take_ticks()
    assert len(jobs.recent(state=State.PENDING)) == 1


def test_nothing_fires_while_jobs_are_switched_off(jobs: Jobs, scheduler: Scheduler, clock: HandClock) -> None:
    object.__setattr__(jobs.config, "enabled", False)
    clock.move(600)
    scheduler.take_ticks()
    assert not jobs.recent(state=State.PENDING)
