"""Moving a store: everything that is not finished arrives as it was, however often the move is interrupted."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from core.app import Jobs
from core.backends.contract import Exchange, PageQuery
from core.backends.memory.backend import MemoryBackend
from core.errors import InvalidInput
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.outcome import Outcome
from core.model.schedule import ScheduleSpec, pack_spec
from core.model.states import State, Verb
from core.move import Moved, move
from core.tasks import binding
from core.tasks.limit import Limit
from core.tasks.registry import Registry

WHERE = {State.PENDING, State.SCHEDULED, State.HELD, State.FAILED, State.DEAD}


class Killed(BaseException):
    """The process ends here."""


class Dying(MemoryBackend):
    """Dies before, or after, its nth call of a verb that changes something."""

    calls_left = -1
    dies_after = False

    def adopt(self, queue: str, jobs: Any) -> list[bool]:
        return self._dying(lambda: MemoryBackend.adopt(self, queue, jobs))

    def withdraw(self, queue: str, jobs: Any) -> int:
        return self._dying(lambda: MemoryBackend.withdraw(self, queue, jobs))

    def remove_schedule(self, queue: str, key: str) -> bool:
        return self._dying(lambda: MemoryBackend.remove_schedule(self, queue, key))

    def _dying(self, act: Callable[[], Any]) -> Any:
        self.calls_left -= 1
        if self.calls_left == 0 and not self.dies_after:
            raise Killed
        done = act()
        if self.calls_left == 0:
            raise Killed
        return done


@pytest.fixture
def old(clock: Any, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """A store with jobs in every state, in two queues, one of them paused."""
    monkeypatch.setattr(binding, "_bound", None)
    monkeypatch.setattr(binding, "_provider", None)
    jobs = Jobs(backend=Dying(clock=clock), registry=Registry())
    work = jobs.register("work", lambda n: n, limit=Limit(1, key="n"))
    for queue in ("default", "mail"):
        bound = work.using(queue=queue)
        bound.enqueue_many([{"n": n % 2} for n in range(5)])
        bound.using(priority=5, metadata={"a": 1}).enqueue(7)
        bound.using(delay=60, unique_key="k").enqueue(8)
        settle(jobs, queue, {0: State.FAILED, 1: State.DEAD, 2: State.COMPLETED})
    spec = pack_spec(ScheduleSpec(task="work", cron="0 0 * * *", arguments={"n": 1}))
    jobs.backend.put_schedule("mail", "nightly", spec, enabled=False)
    jobs.control.pause("mail", reason="the bank is down")
    return jobs


@pytest.fixture
def new(clock: Any) -> Dying:
    return Dying(clock=clock)


def settle(jobs: Jobs, queue: str, states: dict[int, State]) -> None:
    claims = jobs.backend.exchange(Exchange(queue=queue, worker="w", call=1, want=4)).claims
    outcomes = [
        Outcome(
            raw=claim.raw, token=claim.token, state=states[n], delay_ms=5_000, error=b"\x93\xa1E\xa1m\xa1t", line=b"l"
        )
        for n, claim in enumerate(claims)
    ]
    jobs.backend.exchange(Exchange(queue=queue, worker="w", call=2, outcomes=outcomes))


def as_moved(jobs: dict[JobRef, StoredJob]) -> dict[JobRef, StoredJob]:
    """What a move keeps: a slot of a limit that becomes free on the way may let a held job in."""
    waits = {State.HELD, State.PENDING}
    return {
        ref: replace(job, state=State.PENDING, score=0, held_at="") if job.state in waits else job
        for ref, job in jobs.items()
    }


def everything(store: MemoryBackend) -> dict[JobRef, StoredJob]:
    pages = [store.page(PageQuery(state=state, limit=1_000)).jobs for state in WHERE]
    whole = store.get([job.ref for page in pages for job in page])
    return {job.ref: job for job in whole if job is not None}


def test_all_that_is_not_finished_arrives_as_it_was(old: Jobs, new: Dying) -> None:
    before, told = everything(old.backend), list[int]()
    assert {job.state for job in before.values()} == WHERE
    moved = move(old, new, progress=lambda so_far: told.append(so_far.jobs.total()))
    assert as_moved(everything(new)) == as_moved(before)
    assert everything(old.backend) == {}
    assert (moved.jobs.total(), moved.schedules, moved.is_whole) == (len(before), 1, True)
    assert told == sorted(told)


def test_schedules_keep_their_switch_and_last_fire(old: Jobs, new: Dying) -> None:
    before = old.backend.schedules()
    move(old, new)
    assert (new.schedules(), old.backend.schedules()) == (before, [])


def test_a_schedule_that_code_has_declared_there_is_switched_off_too(old: Jobs, new: Dying) -> None:
    [entry] = old.backend.schedules()
    new.put_schedule(entry.queue, entry.key, entry.spec, enabled=True)
    move(old, new)
    assert [one.enabled for one in new.schedules()] == [False]


def test_the_old_queues_stay_paused_and_a_pause_goes_along(old: Jobs, new: Dying) -> None:
    move(old, new)
    assert {c.queue: c.paused_reason for c in new.counts()} == {"default": "", "mail": "the bank is down"}
    assert {c.paused_reason for c in old.backend.counts()} == {"moving to memory://"}


@pytest.mark.parametrize("dies_after", [False, True])
@pytest.mark.parametrize("calls", range(1, 12))
def test_killed_anywhere_it_goes_on_and_nothing_is_lost_or_doubled(
    old: Jobs, new: Dying, calls: int, dies_after: bool
) -> None:
    before = everything(old.backend)
    for store in (old.backend, new):
        store.calls_left, store.dies_after = calls, dies_after
    for _ in range(3):
        try:
            moved = move(old, new)
        except Killed:
            assert everything(old.backend).keys() | everything(new).keys() == before.keys()
    assert moved.is_whole
    assert as_moved(everything(new)) == as_moved(before)
    assert everything(old.backend) == {}
    assert [counts.paused_reason for counts in new.counts()] == ["", "the bank is down"]


def test_a_job_that_ran_in_the_new_store_already_is_not_moved_again(old: Jobs, new: Dying) -> None:
    before = everything(old.backend)
    ref = next(ref for ref, job in before.items() if job.state is State.PENDING)
    new.adopt(ref.queue, [before[ref]])
    [claim] = new.exchange(Exchange(queue=ref.queue, worker="w", call=1, want=1)).claims
    done = Outcome(raw=claim.raw, token=claim.token, state=State.COMPLETED)
    new.exchange(Exchange(queue=ref.queue, worker="w", call=2, outcomes=[done]))
    move(old, new)
    [job] = new.get([ref])
    assert job is not None
    assert job.state is State.COMPLETED


def test_what_is_cancelled_meanwhile_is_cancelled_there_too(old: Jobs, new: Dying) -> None:
    ref = next(ref for ref, job in everything(old.backend).items() if job.state is State.SCHEDULED)
    adopt = new.adopt

    def adopt_late(queue: str, jobs: Any) -> list[bool]:
        done = adopt(queue, jobs)
        if any(job.ref == ref for job in jobs):
            old.backend.act(Verb.CANCEL, ref.queue, [ref.raw], "op", "changed my mind")
        return done

    new.adopt = adopt_late  # type: ignore[method-assign]
    moved = move(old, new)
    [job] = new.get([ref])
    assert job is not None
    assert (job.state, job.reason, moved.is_whole) == (State.CANCELLED, "changed my mind", True)


def test_a_running_job_is_waited_for_and_told(old: Jobs, new: Dying) -> None:
    old.control.resume("default")
    [claim] = old.backend.exchange(Exchange(queue="default", worker="w", call=3, want=1)).claims
    moved = move(old, new, wait_s=0)
    assert (moved.running, moved.is_whole) == (1, False)
    assert not any(job.ref.raw == claim.raw for job in everything(new).values())


def test_the_job_of_a_dead_worker_is_taken_back_and_moved(old: Jobs, new: Dying, clock: Any) -> None:
    old.control.resume("default")
    old.backend.rescue("default", 10, 30_000)
    [claim] = old.backend.exchange(Exchange(queue="default", worker="w", call=3, want=1, lease_ms=1_000)).claims
    now_ms = clock.now_ms

    def ticking() -> int:
        clock.move(1)
        return int(now_ms())

    clock.now_ms = ticking
    moved: Moved = move(old, new, wait_s=30)
    assert moved.is_whole
    assert claim.raw in {ref.raw for ref in everything(new)}


def test_a_store_is_not_moved_to_itself(old: Jobs) -> None:
    with pytest.raises(InvalidInput, match="same store"):
        move(old, old.backend)
