"""Notes among many who come at once: none is lost, none is left behind, and nobody waits for each other."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from core.backends.contract import Backend, Note
from core.backends.postgres import database
from core.backends.postgres.backend import PostgresBackend, open_url
from core.backends.postgres.notes import note
from core.backends.postgres.transaction import Transaction
from core.model.job import Claim, StoredJob
from core.model.outcome import Outcome
from core.model.states import FINAL, State
from tests.conformance.invariants import assert_consistent

from .conftest import Ask, MakeJob, Send
from .test_gates_together import THREADS, Hand

PATIENCE_S = 10
BLOCKED = "SELECT count(*) FROM pg_locks WHERE NOT granted"


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

    def listen(error: psycopg.Error) -> bool:
        if judge(error):
            seen.append(str(error))
        return judge(error)

    monkeypatch.setattr(database, "is_worth_another_try", listen)
    return seen


@pytest.fixture
def claim(store: Backend, make_job: MakeJob, send: Send) -> Claim:
    store.enqueue([make_job()])
    [claimed] = send(want=1).claims
    return claimed


def until_blocked(ask: Ask, number: int) -> None:
    """Until so many wait for a lock."""
    until = time.monotonic() + PATIENCE_S
    while ask(BLOCKED)[0][0] < number:
        assert time.monotonic() < until, "nobody waits for the job"
        time.sleep(0.01)


def while_it_notes(store: Backend, claim: Claim, ask: Ask, act) -> StoredJob | None:
    """What is there after a verb that came while a first note of the job was not yet committed."""
    assert isinstance(store, PostgresBackend)
    kept, all_notes = threading.Event(), Note(claim.raw, claim.token, b"\x01", b"\x02", b"x")

    def keep(tx: Transaction) -> None:
        assert note(tx, "mail", [all_notes]) == []
        kept.set()
        until_blocked(ask, 1)

    with ThreadPoolExecutor(2) as threads:
        noting = threads.submit(store._open_database().write, keep)
        assert kept.wait(PATIENCE_S)
        acting = threads.submit(act)
        noting.result()
        acting.result()
    [job] = store.get([claim.ref])
    return job


def test_a_completion_that_waited_for_a_first_note_keeps_only_its_log(
    store: Backend, claim: Claim, send: Send, ask: Ask
):
    job = while_it_notes(store, claim, ask, lambda: send([Outcome(claim.raw, claim.token, State.COMPLETED)]))
    assert job is not None
    assert (job.state, job.progress, job.checkpoint, job.log) == (State.COMPLETED, None, b"", b"x")


def test_a_try_that_waited_for_a_first_note_is_given_its_checkpoint(store: Backend, claim: Claim, send: Send, ask: Ask):
    replies = []
    outcome = Outcome(claim.raw, claim.token, State.PENDING)
    while_it_notes(store, claim, ask, lambda: replies.append(send([outcome], want=1)))
    assert [again.checkpoint for again in replies[0].claims] == [b"\x02"]


def test_who_is_withdrawn_while_it_notes_takes_its_note_along(store: Backend, claim: Claim, ask: Ask, schema: str):
    [job] = store.get([claim.ref])
    assert job is not None
    gone = while_it_notes(store, claim, ask, lambda: store.withdraw("mail", [(claim.raw, State.RUNNING, job.score)]))
    assert gone is None
    assert ask(f"SELECT count(*) FROM {schema}.note") == [(0,)]


@pytest.mark.parametrize("is_first", [True, False], ids=["notes first", "settles first"])
def test_who_notes_and_who_settles_lock_jobs_in_one_order(
    store: Backend,
    make_job: MakeJob,
    send: Send,
    ended: list[str],
    ask: Ask,
    schema: str,
    postgres_server: str,
    is_first: bool,
):
    """Both stop at the job in the middle, which somebody holds: who came from the other side would now be in a ring."""
    store.enqueue([make_job() for _ in range(9)])
    claims = sorted(send(want=9).claims, key=lambda claim: claim.raw)
    notes = [Note(claim.raw, claim.token, log=b"x") for claim in reversed(claims)]
    outcomes = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
    verbs = [lambda: store.note("mail", notes), lambda: send(outcomes).refused]
    with psycopg.connect(postgres_server) as holder, ThreadPoolExecutor(2) as threads:
        holder.execute(f"SELECT FROM {schema}.job WHERE raw = %s FOR UPDATE", (claims[4].raw,))
        answers = []
        for waiting, verb in enumerate(verbs if is_first else verbs[::-1], 1):
            answers.append(threads.submit(verb))
            until_blocked(ask, waiting)
        holder.rollback()
        assert answers[0].result() == []
        assert answers[1].result() == ([] if is_first else [each.raw for each in notes])
    assert ended == []


class Noter(Hand):
    """A thread that does every verb at random, and notes between them, of those it lost too."""

    def exchange(self) -> None:
        self._note()
        super().exchange()

    def release(self) -> None:
        self._note()
        super().release()

    def rest(self) -> None:
        super().rest()
        state = self._random.choice(sorted(FINAL))
        self._store.purge("mail", state, self._store.now_ms() - 300, 2)

    def _note(self) -> None:
        chosen = self._random.sample(self._held, min(3, len(self._held)))
        self._store.note("mail", [self._some(claim) for claim in chosen for _ in range(2)])

    def _some(self, claim: Claim) -> Note:
        parts = [self._random.choice([None, self._random.randbytes(20)]) for _ in range(3)]
        return Note(claim.raw, claim.token, *parts)


def test_many_with_every_verb_leave_each_note_with_its_job(
    store: Backend, make_job, ended: list[str], ask: Ask, schema: str
):
    hands = [Noter(store, number, make_job) for number in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        for work in [threads.submit(hand.work) for hand in hands]:
            work.result()
    assert ended == []
    assert_consistent(store)
    noted = f"SELECT raw FROM {schema}.job WHERE has_note UNION ALL SELECT raw FROM {schema}.finished WHERE has_note"
    notes = ask(f"SELECT raw FROM {schema}.note")
    assert sorted(notes) == sorted(ask(noted))
    assert notes
    completed = f"SELECT raw FROM {schema}.finished WHERE state = 5"
    unfinished = f"SELECT raw FROM {schema}.note WHERE progress IS NOT NULL OR checkpoint IS NOT NULL"
    assert not set(ask(completed)) & set(ask(unfinished))
