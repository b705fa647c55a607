"""Gates among many who come at once: no slot too many, nobody forgotten, nobody waiting for each other."""

import itertools
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from core.backends.contract import Backend, Exchange, Sweep
from core.backends.postgres import database
from core.backends.postgres.backend import open_url
from core.model.gate import Gate
from core.model.ident import JobRef
from core.model.job import Claim, NewJob, Unique
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State, Verb
from tests.conformance.invariants import assert_consistent

THREADS = 8
PATIENCE_S = 60
TURNS = 60  # of each thread; locks in another order met in dozens of deadlocks within twice as many
GATES = [
    Gate("limit:a", limit=2),
    Gate("limit:b", limit=3),
    Gate("limit:c", limit=1),
    Gate("rate:d", interval_us=2_000),
]


@pytest.fixture
def store(url: str) -> Iterator[Backend]:
    """One pool for all threads, so that the server and not the pool lets them take turns."""
    opened = open_url(url, pool_size=THREADS + 2)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What PostgreSQL ended for the sake of another transaction."""
    seen: list[str] = []
    judge = database.is_worth_another_try

    def note(error: psycopg.Error) -> bool:
        if judge(error):
            seen.append(str(error))
        return judge(error)

    monkeypatch.setattr(database, "is_worth_another_try", note)
    return seen


class Hand:
    """One thread: a worker that also does what operators and janitors do, at random."""

    def __init__(self, store: Backend, number: int, make_job: Callable[..., NewJob]) -> None:
        self._store = store
        self._worker = f"w{number}"
        self._calls = itertools.count(1)
        self._random = random.Random(number)
        self._make = make_job
        self._held: list[Claim] = []
        self._seen: list[bytes] = []
        self._number = number

    def work(self) -> None:
        verbs = [
            self.enqueue,
            self.exchange,
            self.exchange,
            self.exchange,
            self.release,
            self.act,
            self.sweep,
            self.rest,
        ]
        for _ in range(TURNS):
            self._random.choice(verbs)()

    def enqueue(self) -> None:
        jobs = [self._make(gate=self._random.choice([None, *GATES]), **self._key()) for _ in range(6)]
        self._store.enqueue(jobs)
        self._seen += [job.raw for job in jobs]

    def exchange(self) -> None:
        ends = [State.COMPLETED, State.PENDING, State.FAILED, State.HELD, State.DEAD]
        self._random.shuffle(self._held)
        done, self._held = self._held[:4], self._held[4:]
        outcomes = [self._outcome(claim, self._random.choice(ends)) for claim in done]
        serve = ("shop.send",) if self._random.random() < 0.3 else ()
        call = Exchange(
            queue="mail",
            worker=self._worker,
            call=next(self._calls),
            outcomes=outcomes,
            want=5,
            serve=serve,
            minutes={"done": 1},
        )
        self._held += self._store.exchange(call).claims

    def release(self) -> None:
        back, self._held = self._held[:3], self._held[3:]
        self._store.renew("mail", [(claim.raw, claim.token) for claim in self._held], 30_000)
        self._store.release("mail", [(claim.raw, claim.token) for claim in back])

    def act(self) -> None:
        chosen = self._random.sample(self._seen, min(5, len(self._seen)))
        self._store.act(self._random.choice(list(Verb)), "mail", chosen, self._operation(), "at random")

    def sweep(self) -> None:
        state = self._random.choice([State.HELD, State.PENDING, State.DEAD, State.CANCELLED, State.FAILED])
        verb = self._random.choice([Verb.RETRY, Verb.CANCEL])
        before_ms = self._store.now_ms() - 200
        self._store.sweep(
            Sweep(queue="mail", verb=verb, state=state, before_ms=before_ms, operation=self._operation(), limit=10)
        )

    def rest(self) -> None:
        self._random.choice([self._trim, self._purge, self._rescue, self._move])()

    def _trim(self) -> None:
        self._store.trim("mail", Retention(), 50)

    def _purge(self) -> None:
        self._store.purge("mail", self._random.choice([State.HELD, State.PENDING]), self._store.now_ms() - 500, 3)

    def _rescue(self) -> None:
        self._store.rescue("mail", 10, 30_000)

    def _move(self) -> None:
        jobs = [job for job in self._store.get([ref(raw) for raw in self._seen[-3:]]) if job is not None]
        resting = [job for job in jobs if job.state is not State.RUNNING]
        self._store.withdraw("mail", [(job.ref.raw, job.state, job.score) for job in resting])
        self._store.adopt("mail", resting)

    def _outcome(self, claim: Claim, state: State) -> Outcome:
        held_at = self._random.choice(["task:shop.send", "limit:a"]) if state is State.HELD else ""
        return Outcome(claim.raw, claim.token, state, held_at=held_at, line=b"\xc0", stream="failures")

    def _key(self) -> dict[str, object]:
        """A unique key now and then, of each kind."""
        if self._random.random() < 0.7:
            return {}
        kind = self._random.choice(list(Unique))
        key = f"key{self._random.randrange(4)}"
        return {"unique_key": key, "unique": kind, "unique_ms": 50 if kind is Unique.FOR_A_TIME else 0}

    def _operation(self) -> str:
        return f"{self._number}-{self._random.random()}"


def ref(raw: bytes) -> JobRef:
    return JobRef("mail", raw)


def test_many_with_every_verb_at_once_never_wait_for_each_other(store: Backend, make_job, ended: list[str]):
    hands = [Hand(store, number, make_job) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        for work in [threads.submit(hand.work) for hand in hands]:
            work.result()
    assert ended == []
    assert_consistent(store)


def test_no_more_run_than_a_limit_lets_and_everybody_gets_through(store: Backend, make_job):
    jobs = [make_job(gate=gate) for gate in [*GATES[:3], None] for _ in range(40)]
    store.enqueue(jobs)
    gate_of = {job.raw: job.gate for job in jobs}
    at_work: Counter[Gate] = Counter()
    most: defaultdict[Gate, int] = defaultdict(int)
    done: list[bytes] = []
    turn = threading.Lock()
    until = time.monotonic() + PATIENCE_S

    def work(number: int) -> None:
        claims: Sequence[Claim] = ()
        for call in itertools.count(1):
            assert time.monotonic() < until, store.counts()
            with turn:
                at_work.subtract(gate for gate in (gate_of[claim.raw] for claim in claims) if gate)
            outcomes = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
            claims = store.exchange(
                Exchange(queue="mail", worker=f"w{number}", call=call, outcomes=outcomes, want=3)
            ).claims
            with turn:
                done.extend(claim.raw for claim in claims)
                for gate in filter(None, (gate_of[claim.raw] for claim in claims)):
                    at_work[gate] += 1
                    most[gate] = max(most[gate], at_work[gate])
                if len(done) == len(jobs) and not claims:
                    return

    with ThreadPoolExecutor(THREADS) as threads:
        for future in [threads.submit(work, number) for number in range(THREADS)]:
            future.result()
    assert sorted(done) == sorted(gate_of)
    assert all(most[gate] <= gate.limit for gate in GATES[:3]), most
    assert store.counts()[0].states[State.COMPLETED] == len(jobs)
    assert [store.gate("mail", gate.name) for gate in GATES[:3]] == [None] * 3
