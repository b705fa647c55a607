"""One trace on all stores at once against the small model: clock, crashes, lost replies, stale tokens, operators."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.backends.contract import Backend, Exchange, ExchangeReply, PageQuery
from core.model.ident import JobRef
from core.model.job import Claim, NewJob, ready_ms_of
from core.model.outcome import Charge, Outcome
from core.model.retention import Keep, Retention
from core.model.states import FINAL, State, Verb

from .clock import FakeClock
from .conftest import STORES, Chooser
from .invariants import assert_consistent
from .lab import ARGUMENTS, TASK
from .model import DUE, ModelClaim, ModelNew, ModelOutcome, ModelQueue

QUEUE = "mail"
LEASE_MS = 30_000
WORKERS = ("one", "two")
ENDINGS = [state for state in State if state is not State.RUNNING]
NEVER = timedelta(days=3_650)
MOVES_MS = [1, 10, 1_000, LEASE_MS // 2, LEASE_MS // 2 + 1, LEASE_MS, LEASE_MS + 1, -1, -5_000, -LEASE_MS]

priorities = st.sampled_from([0, 0, 1, -100, 100])
delays = st.sampled_from([0, 0, 0, 5, 1_000, LEASE_MS])
unique_keys = st.sampled_from(["", "a", "b"])
picks = st.integers(0, 10_000)


class Sent:
    """The newest exchange of a worker: what each store was sent, and what all of them had to answer."""

    def __init__(self, calls: dict[str, Exchange], refused: list[bytes], claims: list[ModelClaim]) -> None:
        self.calls = calls
        self.refused = refused
        self.claims = claims


class StoresAgainstModel(RuleBasedStateMachine):
    """Every rule does one thing to the model and to each store, and compares the answers."""

    def __init__(self, stores: dict[str, Backend], clock: FakeClock) -> None:
        super().__init__()
        self.stores = stores
        self.clock = clock
        self.model = ModelQueue(clock.now_ms, LEASE_MS)
        self.ids = 0
        self.operations = 0
        self.calls = dict.fromkeys((*WORKERS, "janitor"), 0)
        self.sent: dict[str, Sent] = {}
        self.claims: list[ModelClaim] = []  # every claim ever made, stale ones too
        self.held: dict[tuple[str, int], Claim] = {}  # what each store gave for it
        self.newest_token = dict.fromkeys(stores, 0)
        self.turn = 0

    @initialize()
    def begin(self) -> None:
        """A queue is there from its first job on; so that janitors agree about when their watch began."""
        self.enqueue_all([ModelNew(self.next_id(), delay_ms=10_000 * LEASE_MS)])

    def teardown(self) -> None:
        for name, store in self.stores.items():
            with told(name):
                assert_consistent(store)
            store.close()

    # Coming in

    @rule(priority=priorities, delay_ms=delays, unique_key=unique_keys, size=st.integers(1, 3))
    def enqueue(self, priority: int, delay_ms: int, unique_key: str, size: int) -> None:
        self.enqueue_all([ModelNew(self.next_id(), priority, delay_ms, unique_key) for _ in range(size)])

    @rule(pick=picks, unique_key=unique_keys)
    def enqueue_again(self, pick: int, unique_key: str) -> None:
        known = sorted(self.model.jobs)
        if known:
            self.enqueue_all([ModelNew(known[pick % len(known)], unique_key=unique_key)])

    def enqueue_all(self, jobs: list[ModelNew]) -> None:
        expected = [self.model.add(job) for job in jobs]
        for name, store in self.stores.items():
            with told(name):
                receipts = store.enqueue([as_new_job(job) for job in jobs])
                assert [(receipt.ref.raw, receipt.created) for receipt in receipts] == expected

    # Workers

    @precondition(lambda self: self.model.of(State.PENDING) and not self.model.is_paused)
    @rule(worker=st.sampled_from(WORKERS), want=st.integers(1, 4))
    def claim(self, worker: str, want: int) -> None:
        self.send(worker, [], want)

    @rule(
        worker=st.sampled_from(WORKERS),
        want=st.integers(0, 4),
        ends=st.lists(st.tuples(picks, st.sampled_from(ENDINGS), delays), max_size=3),
        charge=st.sampled_from(Charge),
        follow=st.booleans(),
    )
    def exchange(
        self, worker: str, want: int, ends: list[tuple[int, State, int]], charge: Charge, follow: bool
    ) -> None:
        outcomes = [self.outcome(*what, charge=charge, follow=follow) for what in ends] if self.claims else []
        self.send(worker, outcomes, want)

    @precondition(lambda self: self.running())
    @rule(worker=st.sampled_from(WORKERS), state=st.sampled_from(ENDINGS), delay_ms=delays, want=st.integers(0, 2))
    def settle_what_runs(self, worker: str, state: State, delay_ms: int, want: int) -> None:
        claim = self.running()[0]
        self.send(worker, [ModelOutcome(claim, state, delay_ms=delay_ms, line=b"\x91\x01")], want)

    @precondition(lambda self: self.running())
    @rule(pick=picks, state=st.sampled_from([State.PENDING, State.FAILED, State.DEAD]))
    def settle_as_if_lost(self, pick: int, state: State) -> None:
        """A janitor that found the job earlier, and does not know that its lease was renewed."""
        claims = self.running()
        outcome = ModelOutcome(claims[pick % len(claims)], state, Charge.LOST, if_expired=True, line=b"\x91\x03")
        self.send("janitor", [outcome], 0)

    @precondition(lambda self: self.running())
    @rule(pick=picks)
    def cancel_what_runs(self, pick: int) -> None:
        claims = self.running()
        self.operations += 1
        self.act_on(Verb.CANCEL, claims[pick % len(claims)].raw, f"operation-{self.operations}")

    @precondition(lambda self: self.sent)
    @rule(pick=picks)
    def send_the_newest_call_again(self, pick: int) -> None:
        """The reply was lost: the same answer, but for claims that others have ended meanwhile."""
        worker = sorted(self.sent)[pick % len(self.sent)]
        sent = self.sent[worker]
        for name, store in self.stores.items():
            with told(name):
                reply = store.exchange(sent.calls[name])
                assert list(reply.refused) == sent.refused
                given = [self.held[name, claim.attempt] for claim in sent.claims]
                still = [self.held[name, claim.attempt] for claim in sent.claims if self.model.held(claim)]
                assert [claim for claim in reply.claims if claim in still] == still
                assert all(claim in given for claim in reply.claims)

    @precondition(lambda self: any(number > 1 for number in self.calls.values()))
    @rule(pick=picks, want=st.integers(0, 3))
    def send_an_old_call(self, pick: int, want: int) -> None:
        """A call that was overtaken does nothing and is answered with nothing."""
        late = [worker for worker, number in self.calls.items() if number > 1]
        worker = late[pick % len(late)]
        for name, store in self.stores.items():
            outcomes = tuple(self.as_outcome(name, ModelOutcome(claim, State.DEAD)) for claim in self.running())
            with told(name):
                call = as_exchange(worker, self.calls[worker] - 1, outcomes, want)
                reply = store.exchange(call)
                assert (list(reply.refused), list(reply.claims)) == ([], [])

    @precondition(lambda self: self.claims)
    @rule(chosen=st.lists(picks, min_size=1, max_size=3, unique=True))
    def renew(self, chosen: list[int]) -> None:
        claims = self.some_claims(chosen)
        expected = self.model.renew(claims)
        for name, store in self.stores.items():
            with told(name):
                assert list(store.renew(QUEUE, self.keys(name, claims), LEASE_MS)) == expected

    @precondition(lambda self: self.claims)
    @rule(chosen=st.lists(picks, min_size=1, max_size=3, unique=True))
    def release(self, chosen: list[int]) -> None:
        claims = self.some_claims(chosen)
        expected = self.model.release(claims)
        for name, store in self.stores.items():
            with told(name):
                assert store.release(QUEUE, self.keys(name, claims)) == expected

    @rule(settles=st.booleans())
    def look_for_the_lost(self, settles: bool) -> None:
        self.rescue(settles=settles)

    def rescue(self, *, settles: bool) -> None:
        """A janitor's pass; workers that crashed are simply those that never settled."""
        jumped, lost = self.model.rescue()
        for name, store in self.stores.items():
            with told(name):
                found = store.rescue(QUEUE, 100, LEASE_MS)
                assert found.jumped == jumped
                assert list(found.claims) == [self.held[name, claim.attempt] for claim in lost]
                assert list(found.workers) == [self.model.jobs[claim.raw].worker for claim in lost]
        if settles and lost:
            charge = Charge.LOST
            outcomes = [ModelOutcome(claim, State.PENDING, charge, if_expired=True, line=b"\x91\x02") for claim in lost]
            self.send("janitor", outcomes, 0)

    @precondition(lambda self: self.running())
    @rule(passes=st.integers(1, 6), settles=st.booleans())
    def fall_silent(self, passes: int, settles: bool) -> None:
        """Workers do nothing while a janitor looks every half lease."""
        for _ in range(passes):
            self.rescue(settles=settles)
            self.clock.move(LEASE_MS // 2)

    # Operators, the clock

    @rule(verb=st.sampled_from(Verb), pick=picks)
    def act(self, verb: Verb, pick: int) -> None:
        self.operations += 1
        self.act_on(verb, self.some_id(pick), f"operation-{self.operations}")

    @precondition(lambda self: any(job.operation for job in self.model.jobs.values()))
    @rule(verb=st.sampled_from(Verb), pick=picks)
    def act_again(self, verb: Verb, pick: int) -> None:
        acted = sorted(raw for raw, job in self.model.jobs.items() if job.operation)
        raw = acted[pick % len(acted)]
        self.act_on(verb, raw, self.model.jobs[raw].operation)

    def act_on(self, verb: Verb, raw: bytes, operation: str) -> None:
        applied = self.model.act(verb, raw, operation, "by hand")
        after = self.model.jobs[raw].state if raw in self.model.jobs else None
        for name, store in self.stores.items():
            with told(name):
                [acted] = store.act(verb, QUEUE, [raw], operation, "by hand")
                assert (acted.applied, acted.after) == (applied, after)

    @precondition(lambda self: self.model.is_paused or self.is_rare_turn())
    @rule()
    def pause_or_resume(self) -> None:
        self.model.is_paused = not self.model.is_paused
        for store in self.stores.values():
            if self.model.is_paused:
                store.pause(QUEUE, "by hand")
            else:
                store.resume(QUEUE)

    @precondition(lambda self: self.is_rare_turn())
    @rule(state=st.sampled_from([*sorted(FINAL) * 3, *State]), back_ms=st.sampled_from([-1, -1, 0, 1_000]))
    def purge(self, state: State, back_ms: int) -> None:
        before_ms = self.clock.now_ms() - back_ms
        expected = self.model.purge(state, before_ms)
        for name, store in self.stores.items():
            with told(name):
                assert store.purge(QUEUE, state, before_ms, 1_000) == expected

    @precondition(lambda self: self.is_rare_turn())
    @rule(state=st.sampled_from(sorted(FINAL)), keep=st.integers(1, 5), age_ms=st.sampled_from([0, 1_000, 10**9]))
    def trim(self, state: State, keep: int, age_ms: int) -> None:
        wide = {kept.value: Keep(1_000, NEVER) for kept in FINAL}
        retention = Retention(**{**wide, state.value: Keep(keep, timedelta(milliseconds=age_ms))})
        expected = self.model.trim(state, keep, self.clock.now_ms() - age_ms)
        for name, store in self.stores.items():
            with told(name):
                assert store.trim(QUEUE, retention, 1_000) == expected

    @rule(ms=st.sampled_from(MOVES_MS))
    def move_clock(self, ms: int) -> None:
        self.clock.move(ms)

    # What must hold after every step

    @invariant()
    def jobs_are_as_the_model_has_them(self) -> None:
        jobs = list(self.model.jobs.values())
        refs = [JobRef(QUEUE, job.raw) for job in jobs]
        for name, store in self.stores.items():
            with told(name):
                for expected, stored in zip(jobs, store.get(refs), strict=True):
                    assert stored is not None
                    assert_same(expected, stored)

    @invariant()
    def counts_are_as_the_model_has_them(self) -> None:
        model, pending = self.model, self.model.of(State.PENDING)
        for name, store in self.stores.items():
            with told(name):
                for counts in store.counts():
                    assert dict(counts.states) == {state: len(model.of(state)) for state in State}
                    assert (counts.processed, counts.failures) == (model.processed, model.failures)
                    assert counts.last_processed_ms == model.last_processed_ms
                    assert counts.oldest_pending_ms == (ready_ms_of(pending[0].score) if pending else 0)
                    assert counts.is_paused == model.is_paused

    @invariant()
    def a_state_is_listed_in_the_models_order(self) -> None:
        """One state a step, in turn: all eight would make the trace slow."""
        self.turn += 1
        state = list(State)[self.turn % len(State)]
        expected = [job.raw for job in self.model.of(state)]
        for name, store in self.stores.items():
            with told(name):
                page = store.page(PageQuery(state=state, limit=500))
                assert [job.ref.raw for job in page.jobs] == expected

    # Steps

    def is_rare_turn(self) -> bool:
        """Every fourth step may delete or pause; oftener, and traces would be of empty queues."""
        return self.turn % 4 == 0

    def send(self, worker: str, outcomes: list[ModelOutcome], want: int) -> None:
        """One exchange: on the model, then the same on each store."""
        model = self.model
        refused = [outcome.claim.raw for outcome in outcomes if not model.settle(outcome)]
        model.promote()
        claims = model.claim(worker, want)
        self.calls[worker] += 1
        calls = {}
        for name, store in self.stores.items():
            settled = tuple(self.as_outcome(name, outcome) for outcome in outcomes)
            calls[name] = as_exchange(worker, self.calls[worker], settled, want)
            with told(name):
                reply = store.exchange(calls[name])
                assert list(reply.refused) == refused
                assert set(reply.asked_to_cancel) == model.asked_to_cancel(worker)
                assert (reply.next_due_ms, reply.is_paused) == (model.next_due_ms(), model.is_paused)
                self.note_claims(name, claims, reply)
        self.claims += claims
        self.sent[worker] = Sent(calls, refused, claims)

    def note_claims(self, name: str, expected: list[ModelClaim], reply: ExchangeReply) -> None:
        told_of = [
            (claim.raw, claim.attempts, claim.forgiven, claim.losses, claim.ready_ms, claim.claimed_ms)
            for claim in reply.claims
        ]
        assert told_of == [
            (claim.raw, claim.attempts, claim.forgiven, claim.losses, claim.ready_ms, claim.claimed_ms)
            for claim in expected
        ]
        for claim, given in zip(expected, reply.claims, strict=True):
            assert given.token > self.newest_token[name]
            self.newest_token[name] = given.token
            self.held[name, claim.attempt] = given

    def outcome(self, pick: int, state: State, delay_ms: int, *, charge: Charge, follow: bool) -> ModelOutcome:
        claim = self.claims[-1 - pick % len(self.claims)]
        then = (ModelNew(self.next_id(), delay_ms=delay_ms),) if follow else ()
        reason = f"reason {pick % 3}"
        return ModelOutcome(claim, state, charge, delay_ms, reason, b"\x91" + bytes([pick % 100]), then=then)

    def running(self) -> list[ModelClaim]:
        return [self.model.claim_of(job) for job in self.model.of(State.RUNNING)]

    def some_claims(self, chosen: list[int]) -> list[ModelClaim]:
        """Distinct jobs, so that the order of a batch cannot matter."""
        found = {claim.raw: claim for claim in (self.claims[-1 - pick % len(self.claims)] for pick in chosen)}
        return list(found.values())

    def some_id(self, pick: int) -> bytes:
        known = [*sorted(self.model.jobs), b"\x00" * 14]
        return known[-1 - pick % len(known)]

    def next_id(self) -> bytes:
        self.ids += 1
        return self.ids.to_bytes(8, "big") + b"mmodel"

    def keys(self, name: str, claims: list[ModelClaim]) -> list[tuple[bytes, int]]:
        return [(claim.raw, self.held[name, claim.attempt].token) for claim in claims]

    def as_outcome(self, name: str, outcome: ModelOutcome) -> Outcome:
        return Outcome(
            raw=outcome.claim.raw,
            token=self.held[name, outcome.claim.attempt].token,
            state=outcome.state,
            charge=outcome.charge,
            delay_ms=outcome.delay_ms,
            reason=outcome.reason,
            line=outcome.line,
            if_expired=outcome.if_expired,
            then=tuple(as_new_job(new) for new in outcome.then),
        )


def as_new_job(new: ModelNew) -> NewJob:
    return NewJob(
        queue=QUEUE,
        raw=new.raw,
        task=TASK,
        arguments=ARGUMENTS,
        priority=new.priority,
        delay_ms=new.delay_ms,
        unique_key=new.unique_key,
    )


def as_exchange(worker: str, call: int, outcomes: tuple[Outcome, ...], want: int) -> Exchange:
    return Exchange(
        queue=QUEUE,
        worker=worker,
        call=call,
        outcomes=outcomes,
        want=want,
        lease_ms=LEASE_MS,
        keep_completed=0,
    )


def assert_same(expected, stored) -> None:
    """A stored job against the model's, field by field."""
    running = expected.state is State.RUNNING
    assert (stored.state, stored.score) == (expected.state, expected.score)
    assert (stored.attempts, stored.forgiven, stored.losses) == (
        expected.attempts,
        expected.forgiven,
        expected.losses,
    )
    assert stored.lines == tuple(expected.lines)
    assert (stored.worker, stored.cancel_asked) == (
        (expected.worker, expected.cancel_asked) if running else ("", False)
    )
    assert stored.lease_until_ms == (expected.score if running else 0)
    assert stored.due_ms == (expected.score if expected.state in DUE else 0)
    assert stored.finished_ms == (expected.score if expected.state in FINAL else 0)
    if expected.state not in (State.PENDING, State.RUNNING):
        assert stored.reason == expected.reason


@contextmanager
def told(name: str) -> Iterator[None]:
    """Say which store it was."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"on the store {name}")
        raise


@pytest.mark.timeout(300)
def test_every_store_does_what_the_model_does(request: pytest.FixtureRequest, choose: Chooser):
    wanted = set(request.config.getoption("stores").split(","))
    names = [name for name in STORES if name in wanted]

    def begin() -> StoresAgainstModel:
        clock = FakeClock()
        stores = {name: choose(name, "run").connect(clock) for name in names}
        return StoresAgainstModel(stores, clock)

    run_state_machine_as_test(begin, settings=HELD_TO)


HELD_TO = settings(
    max_examples=80,
    stateful_step_count=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
