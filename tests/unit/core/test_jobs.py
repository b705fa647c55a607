"""Jobs, its client and its control on the reference store: ids, results, verbs, copies, chains, transactions."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core.app import Jobs
from core.backends.contract import Exchange, PageQuery
from core.client import Client, Taken
from core.control import job_of
from core.errors import ConfigError, InvalidInput, JobNotFound, ResultUnavailable, StoreUnavailable
from core.model.ident import JobRef, fire_raw
from core.model.job import Claim, NewJob, unpack_options
from core.model.outcome import Outcome
from core.model.payload import pack_result, unpack_data
from core.model.schedule import ScheduleSpec, pack_spec
from core.model.states import State, Verb
from core.tasks import binding
from core.tasks.compose import chain, follow_up
from core.tasks.declare import task
from core.tasks.registry import Registry
from core.tasks.task import Task


@pytest.fixture
def double(registry: Registry) -> Task[[int], int]:
    @task(registry=registry, name="double")
    def double(n: int) -> int:
        return n * 2

    return double


class OneWorker:
    """Claims and settles by hand."""

    def __init__(self, jobs: Jobs) -> None:
        self.jobs, self.calls = jobs, 0

    def exchange(self, *outcomes: Outcome, want: int = 0) -> list[Claim]:
        self.calls += 1
        call = Exchange(queue="default", worker="w", call=self.calls, outcomes=outcomes, want=want)
        return list(self.jobs.backend.exchange(call).claims)

    def finish(self, state: State = State.COMPLETED, result: Any = None) -> Claim:
        [claim] = self.exchange(want=1)
        packed = pack_result(result) if state is State.COMPLETED else None
        self.exchange(Outcome(claim.raw, claim.token, state, result=packed))
        return claim


def test_the_first_jobs_of_a_process_is_the_one_tasks_go_to(jobs: Jobs, double: Task[[int], int]) -> None:
    assert binding.current() is jobs
    other = Jobs("memory://", registry=jobs.registry)
    assert binding.current() is jobs
    other.close()
    jobs.close()
    with pytest.raises(ConfigError, match="no Jobs is bound"):
        double.enqueue(1)


def test_a_result_comes_back(jobs: Jobs, double: Task[[int], int]) -> None:
    handle = double.enqueue(2)
    OneWorker(jobs).finish(result={"n": 4})
    assert handle.result(timeout=1) == {"n": 4}


def test_a_result_that_does_not_come_says_why(jobs: Jobs, double: Task[[int], int]) -> None:
    handle = double.enqueue(2)
    with pytest.raises(ResultUnavailable, match="has not ended.*pending"):
        handle.result(timeout=0)
    OneWorker(jobs).finish(State.DEAD)
    with pytest.raises(ResultUnavailable, match="is dead"):
        handle.result(timeout=1)


def test_recent_and_stats(jobs: Jobs, double: Task[[int], int]) -> None:
    double.enqueue_many([{"n": n} for n in range(3)])
    OneWorker(jobs).finish(result=0)
    assert [job.arguments for job in jobs.recent()] == [{"n": 0}]
    assert len(jobs.recent(state="pending")) == 2
    assert jobs.stats()[0].processed == 1


def test_cancel_and_retry_by_id(jobs: Jobs, double: Task[[int], int]) -> None:
    handle = double.enqueue(1)
    assert jobs.cancel(handle.id, reason="wrong").applied
    job = handle.get()
    assert job is not None
    assert (job.state, job.reason) == (State.CANCELLED, "wrong")
    assert not jobs.cancel(handle.id).applied
    assert jobs.retry(handle.id).after is State.PENDING


def test_an_id_that_is_not_there_is_said(jobs: Jobs) -> None:
    with pytest.raises(JobNotFound, match="retention"):
        jobs.cancel(str(JobRef("default", b"\x01" * 14)))
    assert jobs.get(str(JobRef("default", b"\x01" * 14))) is None
    with pytest.raises(InvalidInput, match="not a job id"):
        jobs.get("17")


def test_retrying_a_completed_job_makes_one_linked_copy(jobs: Jobs, double: Task[[int], int]) -> None:
    handle = double.using(metadata={"a": 1}).enqueue(5)
    OneWorker(jobs).finish(result=10)
    first = jobs.control.act(Verb.RETRY, [handle.ref], operation="op")
    again = jobs.control.act(Verb.RETRY, [handle.ref], operation="op")
    assert first[0].applied
    assert first[0].ref == again[0].ref != handle.ref
    copy = jobs.get(str(first[0].ref))
    assert copy is not None
    assert (copy.options.parent, copy.arguments, copy.metadata) == (handle.id, {"n": 5}, {"a": 1})
    assert jobs.stats()[0].states[State.PENDING] == 1


def test_acting_on_many_answers_in_order(jobs: Jobs, double: Task[[int], int]) -> None:
    handles = double.enqueue_many([{"n": n} for n in range(450)])
    refs = [handle.ref for handle in reversed(handles)]
    acted = jobs.control.act(Verb.CANCEL, refs)
    assert [one.ref for one in acted] == refs
    assert all(one.applied for one in acted)


def test_acting_by_query_stops_at_its_bound_and_reports(jobs: Jobs, double: Task[[int], int]) -> None:
    double.enqueue_many([{"n": n} for n in range(500)])
    told: list[int] = []
    query = PageQuery(state=State.PENDING)
    assert jobs.control.act_where(Verb.CANCEL, query, most=450, progress=told.append) == 450
    assert told == [200, 400, 450]
    assert jobs.stats()[0].states[State.PENDING] == 50


def test_purge_deletes_what_was_there_and_no_more(jobs: Jobs, double: Task[[int], int]) -> None:
    double.enqueue_many([{"n": n} for n in range(450)])
    assert jobs.control.purge("default", State.PENDING) == 450
    assert jobs.control.purge("default", State.PENDING) == 0


def test_run_now_makes_one_job_an_operation(jobs: Jobs, double: Task[[int], int]) -> None:
    spec = pack_spec(ScheduleSpec(task="double", cron="0 0 * * *", arguments={"n": 1}))
    jobs.backend.put_schedule("default", "nightly", spec, enabled=False)
    assert jobs.control.run_now("nightly", operation="a") == jobs.control.run_now("nightly", operation="a")
    assert jobs.control.run_now("nightly", operation="b") != jobs.control.run_now("nightly", operation="a")
    assert jobs.stats()[0].states[State.PENDING] == 2
    [job, _] = jobs.recent(state=State.PENDING)
    assert (job.task, job.options.schedule) == ("double", "nightly")
    with pytest.raises(JobNotFound, match="no schedule"):
        jobs.control.run_now("weekly")


def test_run_now_sent_again_after_a_tick_is_still_the_same_job(jobs: Jobs, double: Task[[int], int]) -> None:
    spec = pack_spec(ScheduleSpec(task="double", cron="0 0 * * *", arguments={"n": 1}))
    entry = jobs.backend.put_schedule("default", "nightly", spec, enabled=True)
    first = jobs.control.run_now("nightly", operation="a")
    fire_ms = entry.last_fire_ms + 60_000
    tick = job_of(entry, fire_raw("nightly", fire_ms))
    assert jobs.backend.tick("default", "nightly", entry.version, entry.last_fire_ms, fire_ms, tick)
    assert jobs.control.run_now("nightly", operation="a") == first


def test_completed_jobs_are_copied_in_two_calls_however_many(
    jobs: Jobs, double: Task[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    handles = double.enqueue_many([{"n": n} for n in range(5)])
    with jobs.running():
        for handle in handles:
            handle.result(timeout=20)
    calls: list[str] = []
    for verb in ("get", "enqueue"):
        real = getattr(jobs.backend, verb)
        monkeypatch.setattr(
            jobs.backend, verb, lambda given, verb=verb, real=real: (calls.append(verb), real(given))[1]
        )
    refs = [handle.ref for handle in handles]
    acted = jobs.control.act(Verb.RETRY, [*refs, refs[0]], operation="again")
    assert calls == ["get", "enqueue"]
    assert [one.applied for one in acted] == [True] * 6
    assert acted[0] == acted[5]
    copies = jobs.get_many(str(one.ref) for one in acted[:5])
    assert [copy.options.parent for copy in copies if copy] == [str(ref) for ref in refs]


def test_a_chain_carries_its_steps_and_feeds_them(jobs: Jobs, registry: Registry, double: Task[[int], int]) -> None:
    @task(registry=registry, name="notify", queue="mail")
    def notify(result: int, to: str = "") -> None: ...

    handle = chain(double.request(7), double.request(), notify.request(to="ops")).enqueue()
    [claim] = OneWorker(jobs).exchange(want=1)
    [second] = follow_up(claim, unpack_options(claim.options), 14)
    assert (second.queue, unpack_data(second.arguments)) == ("default", {"n": 14})
    assert follow_up(claim, unpack_options(claim.options), 14) == (second,)
    carried = unpack_options(second.options)
    assert carried.parent == handle.id
    assert [(step.task, step.takes_result) for step in carried.steps] == [("notify", "result")]


def test_a_step_may_lack_one_argument_only(registry: Registry, jobs: Jobs, double: Task[[int], int]) -> None:
    @task(registry=registry, name="two")
    def two(a: int, b: int) -> None: ...

    with pytest.raises(InvalidInput, match="lacks a, b"):
        chain(double.request(1), two.request()).enqueue()


class Transaction:
    """A unit of work that is committed by hand."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def take(self, jobs: Sequence[NewJob], client: Client) -> Taken:
        self.waiting.append(lambda: client.send(jobs))
        return Taken()

    async def atake(self, jobs: Sequence[NewJob], client: Client) -> Taken:
        return self.take(jobs, client)


def test_in_a_transaction_a_job_is_stored_at_the_commit_under_its_final_id(
    registry: Registry, double: Task[[int], int], jobs: Jobs
) -> None:
    transaction = Transaction()
    inside = Jobs("memory://", registry=registry, unit_of_work=transaction)
    [handle] = inside.enqueue_many([double.request(1)])
    assert (handle.created, handle.get()) == (None, None)
    transaction.waiting[0]()
    assert handle.get() is not None
    inside.close()


def test_async_code_waits_for_the_commit_as_well(registry: Registry, double: Task[[int], int], jobs: Jobs) -> None:
    transaction = Transaction()
    inside = Jobs("memory://", registry=registry, unit_of_work=transaction)
    handle = asyncio.run(inside.aenqueue("double", n=1))
    assert (handle.created, handle.get()) == (None, None)
    transaction.waiting[0]()
    assert handle.get() is not None
    inside.close()


def test_a_lost_reply_makes_no_second_job(jobs: Jobs, double: Task[[int], int], monkeypatch: Any) -> None:
    store, lost = jobs.backend.enqueue, []

    def stored_but_unheard(new: Any) -> Any:
        receipts = store(new)
        if not lost:
            lost.append(new)
            raise StoreUnavailable("the reply was lost")
        return receipts

    monkeypatch.setattr(jobs.backend, "enqueue", stored_but_unheard)
    assert double.enqueue(1).created is True
    assert jobs.stats()[0].states[State.PENDING] == 1


def test_a_unique_key_answers_the_job_that_holds_it(jobs: Jobs, double: Task[[int], int]) -> None:
    first = double.using(unique_key="k").enqueue(1)
    second = double.using(unique_key="k").enqueue(2)
    assert (second.id, second.created) == (first.id, False)


def test_observers_are_kept_by_event(jobs: Jobs) -> None:
    @jobs.on("failed")
    def see(job: Any) -> None: ...

    assert jobs.registry.observers("failed") == (see,)
    assert jobs.registry.observers("dead") == ()
    with pytest.raises(ConfigError, match="no event"):
        jobs.on("finished")  # type: ignore[arg-type]


def test_a_sweep_takes_all_queues_in_chunks_and_reports(jobs: Jobs, double: Task[[int], int]) -> None:
    double.enqueue_many([{"n": n} for n in range(450)])
    double.using(queue="mail").enqueue(1)
    told: list[int] = []
    swept = jobs.control.sweep(Verb.CANCEL, State.PENDING, operation="op", progress=told.append)
    assert (swept.applied, swept.refused, swept.scanned, told) == (451, 0, 451, [200, 400, 450, 451])
    assert jobs.control.sweep(Verb.CANCEL, State.PENDING, operation="op").applied == 0


def test_the_dead_letters_of_a_queue_come_back_in_one_call(jobs: Jobs, double: Task[[int], int]) -> None:
    for queue in ("default", "mail"):
        double.using(queue=queue).enqueue(1)
        [claim] = jobs.backend.exchange(Exchange(queue=queue, worker="w", call=1, want=1)).claims
        dead = Outcome(raw=claim.raw, token=claim.token, state=State.DEAD)
        jobs.backend.exchange(Exchange(queue=queue, worker="w", call=2, outcomes=[dead]))
    assert jobs.control.retry_dead("mail", reason="the server is back") == 1
    assert [counts.states[State.DEAD] for counts in jobs.stats()] == [1, 0]
