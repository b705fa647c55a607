"""Gates in a file: numbers that hold between connections, lines too long for one step, and what is forgotten."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.backends.contract import Exchange, ExchangeReply
from core.backends.sqlite.backend import SqliteBackend
from core.model.gate import Gate
from core.model.job import Unique
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State
from tests.conformance.clock import FakeClock

from .conftest import MakeJob, Send

NAME = "limit:shop.send"
STEP = 1_000  # how many a raised limit lets through at once
GATES = 200  # how many a claim opens because their time has come


def states(store: SqliteBackend) -> dict[State, int]:
    return {state: n for state, n in store.counts()[0].states.items() if n}


def rows_of(store: SqliteBackend, table: str) -> int:
    assert store._database is not None
    return int(store._database._writer.alone(lambda db: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


def test_a_long_line_passes_a_widened_gate_step_by_step_and_all_of_it(
    store: SqliteBackend, make_job: MakeJob, send: Send
):
    store.enqueue([make_job(gate=Gate(NAME, limit=1)) for _ in range(STEP + 200)])
    claimed = 0
    while State.PENDING in states(store):
        claimed += len(send(want=STEP).claims)
    assert claimed == 1
    store.enqueue([make_job(gate=Gate(NAME, limit=10_000))])
    send(want=1)
    assert states(store) == {State.RUNNING: 1, State.PENDING: STEP, State.HELD: 200}
    while State.HELD in states(store) or State.PENDING in states(store):
        send(want=100)
    assert states(store) == {State.RUNNING: STEP + 201}


def test_a_limit_holds_between_connections(path: Path, make_job: MakeJob):
    """Each thread is another process to the file."""
    first = SqliteBackend(path, synchronous="OFF")
    first.open()
    first.enqueue([make_job(gate=Gate(NAME, limit=3)) for _ in range(120)])
    lock, running, most, done = threading.Lock(), set[bytes](), [0], list[bytes]()

    def work(number: int) -> None:
        store = SqliteBackend(path, synchronous="OFF")
        store.open()
        outcomes: list[Outcome] = []
        for call in range(1, 1_000):
            with lock:
                running.difference_update(outcome.raw for outcome in outcomes)
            claims = store.exchange(
                Exchange(queue="mail", worker=str(number), call=call, outcomes=outcomes, want=2)
            ).claims
            with lock:
                running.update(claim.raw for claim in claims)
                done.extend(claim.raw for claim in claims)
                most[0] = max(most[0], len(running))
                if len(done) == 120 and not claims:
                    break
            outcomes = [Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims]
        store.close()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, number) for number in range(4)]:
            future.result(60)
    assert len(set(done)) == len(done) == 120
    assert most[0] <= 3
    assert states(first) == {State.COMPLETED: 120}
    assert first.gate("mail", NAME) is None
    first.close()


def test_a_gate_that_nobody_uses_leaves_no_row(store: SqliteBackend, make_job: MakeJob, send: Send):
    store.enqueue([make_job(gate=Gate(f"{NAME}:{number}", limit=1)) for number in range(20)])
    claims = send(want=20).claims
    assert rows_of(store, "gate") == 20
    send([Outcome(claim.raw, claim.token, State.COMPLETED) for claim in claims])
    assert rows_of(store, "gate") == 0


def test_trim_forgets_rates_at_rest_and_keys_whose_time_is_over(path: Path, make_job: MakeJob):
    clock = FakeClock()
    store = SqliteBackend(path, clock=clock)
    store.open()
    rate = Gate("rate:shop.send", interval_us=1_000_000, burst=5)
    store.enqueue([make_job(gate=rate, unique_key="once", unique=Unique.FOR_A_TIME, unique_ms=3_000)])
    [claim] = store.exchange(Exchange(queue="mail", worker="w", call=1, want=1)).claims
    done = Outcome(claim.raw, claim.token, State.COMPLETED)
    store.exchange(Exchange(queue="mail", worker="w", call=2, outcomes=[done]))
    clock.move(999)
    store.trim("mail", Retention(), 100)
    assert (rows_of(store, "gate"), rows_of(store, "key_holder")) == (1, 1)
    clock.move(1)
    store.trim("mail", Retention(), 100)
    assert (rows_of(store, "gate"), rows_of(store, "key_holder")) == (0, 1)
    clock.move(2_000)
    store.trim("mail", Retention(), 100)
    assert rows_of(store, "key_holder") == 0
    store.close()


@pytest.mark.parametrize("column", ["used", "waiting"])
def test_a_number_that_an_older_process_left_too_low_never_falls_below_zero(
    store: SqliteBackend, make_job: MakeJob, send: Send, column: str
):
    """A process of the first schema moves jobs without telling their gates."""
    store.enqueue([make_job(gate=Gate(NAME, limit=1)) for _ in range(2)])
    [claim] = send(want=2).claims
    assert store._database is not None
    store._database._writer.alone(lambda db: db.execute(f"UPDATE gate SET {column} = 0"))
    send([Outcome(claim.raw, claim.token, State.COMPLETED)])
    store.purge("mail", State.HELD, 1 << 62, 10)
    info = store.gate("mail", NAME)
    assert info is None or min(info.used, info.waiting) >= 0
    store.enqueue([make_job(gate=Gate(NAME, limit=1)) for _ in range(2)])
    assert len(send(want=2).claims) == 1


def test_many_gates_whose_time_has_come_are_opened_by_one_claim_after_another(path: Path, make_job: MakeJob):
    clock = FakeClock()
    store = SqliteBackend(path, clock=clock)
    store.open()
    rates = [Gate(f"rate:{number}", interval_us=1_000_000) for number in range(GATES + 50)]
    store.enqueue([make_job(gate=rate) for rate in rates for _ in range(2)])
    calls, claimed = itertools.count(1), list[int]()

    def claim() -> ExchangeReply:
        return store.exchange(Exchange(queue="mail", worker="w", call=next(calls), want=1_000))

    claim()
    while State.PENDING in states(store):
        claim()
    assert states(store) == {State.RUNNING: GATES + 50, State.HELD: GATES + 50}
    clock.move(1_000)
    for _ in range(3):
        reply = claim()
        claimed.append(len(reply.claims))
        assert reply.next_due_ms == (clock.now_ms() if sum(claimed) < GATES + 50 else 0)
    assert claimed == [GATES, 50, 0]
    store.close()
