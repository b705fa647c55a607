"""The stores and the model side by side: what every rule of the machine is made of."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from core.backends.contract import Backend, Exchange, ExchangeReply
from core.model.ident import JobRef
from core.model.job import Claim, NewJob, StoredJob
from core.model.outcome import Outcome
from core.model.states import State

from ..clock import FakeClock
from ..gate_audit import assert_gates_add_up
from ..invariants import assert_lists_add_up
from ..lab import ARGUMENTS
from .queue import ModelQueue
from .values import ModelClaim, ModelNew, ModelOutcome

QUEUE = "mail"
LEASE_MS = 30_000
WORKERS = ("one", "two")
KEYS = ("a", "b")
TASKS = ("shop.send", "shop.bill")

delays = st.sampled_from([0, 0, 0, 5, 1_000, LEASE_MS])
picks = st.integers(0, 10_000)


class Sent:
    """The newest exchange of a worker: what each store was sent, and what all of them had to answer."""

    def __init__(self, calls: dict[str, Exchange], refused: list[bytes], claims: list[ModelClaim]) -> None:
        self.calls = calls
        self.refused = refused
        self.claims = claims


class Driver(RuleBasedStateMachine):
    """Every step does one thing to the model and to each store, and compares the answers.

    A trace in which time goes back has no rates and no keys for a time: what has run out may be forgotten, and cannot
    come back with the time.
    """

    def __init__(self, stores: dict[str, Backend], clock: FakeClock) -> None:
        super().__init__()
        self.stores = stores
        self.clock = clock
        self.model = ModelQueue(clock.now_ms, LEASE_MS)
        self.time_goes_back = False
        self.ids = 0
        self.operations = 0
        self.calls = dict.fromkeys((*WORKERS, "janitor"), 0)
        self.sent: dict[str, Sent] = {}
        self.claims: list[ModelClaim] = []  # every claim ever made, stale ones too
        self.held: dict[tuple[str, int], Claim] = {}  # what each store gave for it
        self.newest_token = dict.fromkeys(stores, 0)
        self.turn = 0

    @initialize(time_goes_back=st.booleans())
    def begin(self, *, time_goes_back: bool) -> None:
        """A queue is there from its first job on; so that janitors agree about when their watch began."""
        self.time_goes_back = time_goes_back
        self.enqueue_all([ModelNew(self.next_id(), delay_ms=10_000 * LEASE_MS)])

    def teardown(self) -> None:
        self.enqueue_all([ModelNew(self.next_id(), delay_ms=LEASE_MS, unique_key=key) for key in KEYS])
        for name, store in self.stores.items():
            with told(name):
                assert_gates_add_up(store, assert_lists_add_up(store))
            store.close()

    def is_rare_turn(self) -> bool:
        """Every fourth step may delete or pause; oftener, and traces would be of empty queues."""
        return self.turn % 4 == 0

    # The steps that rules share

    def enqueue_all(self, jobs: list[ModelNew]) -> None:
        expected = [self.model.add(job) for job in jobs]
        for name, store in self.stores.items():
            with told(name):
                receipts = store.enqueue([as_new_job(job) for job in jobs])
                assert [(receipt.ref.raw, receipt.created) for receipt in receipts] == expected

    def send(self, worker: str, outcomes: list[ModelOutcome], want: int, serve: tuple[str, ...] = ()) -> None:
        """One exchange: on the model, then the same on each store."""
        model = self.model
        refused, claims = model.exchange(worker, outcomes, want, serve)
        self.calls[worker] += 1
        calls = {}
        for name, store in self.stores.items():
            settled = tuple(self.as_outcome(name, outcome) for outcome in outcomes)
            calls[name] = as_exchange(worker, self.calls[worker], settled, want, serve)
            with told(name):
                reply = store.exchange(calls[name])
                assert list(reply.refused) == refused
                assert set(reply.asked_to_cancel) == model.asked_to_cancel(worker)
                assert list(reply.awaited) == model.gates.awaited()
                assert reply.is_paused == model.is_paused
                self.compare_next_due(reply)
                self.note_claims(name, claims, reply)
        self.claims += claims
        self.sent[worker] = Sent(calls, refused, claims)

    def compare_next_due(self, reply: ExchangeReply) -> None:
        """What is overdue may be told as of when it was due, or as of now."""
        expected, now = self.model.next_due_ms(), self.clock.now_ms()
        assert bool(reply.next_due_ms) == bool(expected)
        assert max(reply.next_due_ms, now) == max(expected, now)

    def note_claims(self, name: str, expected: list[ModelClaim], reply: ExchangeReply) -> None:
        assert [promised(claim) for claim in reply.claims] == [promised(claim) for claim in expected]
        for claim, given in zip(expected, reply.claims, strict=True):
            assert given.token > self.newest_token[name]
            self.newest_token[name] = given.token
            self.held[name, claim.attempt] = given

    # Choosing

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

    def next_operation(self) -> str:
        self.operations += 1
        return f"operation-{self.operations}"

    # As the stores say it

    def keys(self, name: str, claims: list[ModelClaim]) -> list[tuple[bytes, int]]:
        return [(claim.raw, self.held[name, claim.attempt].token) for claim in claims]

    def refs(self) -> list[JobRef]:
        return [JobRef(QUEUE, raw) for raw in self.model.jobs]

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
            held_at=outcome.held_at,
        )


def promised(claim: Claim | ModelClaim) -> tuple[bytes, int, int, int, int, int, int]:
    counted = (claim.attempts, claim.forgiven, claim.losses, claim.crashes)
    return (claim.raw, *counted, claim.ready_ms, claim.claimed_ms)


def as_new_job(new: ModelNew) -> NewJob:
    return NewJob(
        queue=QUEUE,
        raw=new.raw,
        task=new.task,
        arguments=ARGUMENTS,
        priority=new.priority,
        delay_ms=new.delay_ms,
        unique_key=new.unique_key,
        unique=new.unique,
        unique_ms=new.unique_ms,
        gate=new.gate,
    )


def as_exchange(
    worker: str, call: int, outcomes: tuple[Outcome, ...], want: int, serve: tuple[str, ...] = ()
) -> Exchange:
    return Exchange(
        queue=QUEUE,
        worker=worker,
        call=call,
        outcomes=outcomes,
        want=want,
        lease_ms=LEASE_MS,
        keep_completed=0,
        serve=serve,
    )


def places_of(jobs: list[StoredJob]) -> list[tuple[bytes, State, int]]:
    return [(job.ref.raw, job.state, job.score) for job in jobs]


@contextmanager
def told(name: str) -> Iterator[None]:
    """Say which store it was."""
    try:
        yield
    except AssertionError as error:
        error.add_note(f"on the store {name}")
        raise
