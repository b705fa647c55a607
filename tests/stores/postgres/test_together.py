"""Calls that meet: the same one twice at once, keepers and workers on the same claims, a fork in the middle."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.backends.contract import Backend, Exchange
from core.backends.postgres.backend import open_url
from core.model.outcome import Outcome
from core.model.states import State

ROOT = Path(__file__).parents[3]


def test_one_call_sent_twice_at_once_is_answered_alike_and_done_once(store: Backend, make_job):
    for number in range(1, 16):
        store.enqueue([make_job() for _ in range(4)])
        call = Exchange(queue="mail", worker="w", call=number, want=2)
        start = threading.Barrier(2)

        def send(call: Exchange = call, start: threading.Barrier = start) -> list[tuple[bytes, int]]:
            start.wait()
            return [(claim.raw, claim.token) for claim in store.exchange(call).claims]

        with ThreadPoolExecutor(2) as threads:
            one, two = (future.result() for future in [threads.submit(send), threads.submit(send)])
        assert (one, len(one)) == (two, 2)
        assert store.counts()[0].states[State.RUNNING] == 2 * number


def test_renewing_releasing_and_settling_the_same_claims_ends(store: Backend, url: str, make_job):
    """Without one order of locks for all, PostgreSQL ended one of these within seconds."""
    keeper = open_url(url)
    keeper.open()
    over = threading.Event()
    held: list[tuple[bytes, int]] = []
    turns: list[int] = []

    def renew() -> None:
        while not over.is_set():
            turns.append(len(keeper.renew("mail", held[::-1], 30_000)))

    thread = threading.Thread(target=renew)
    thread.start()
    store.enqueue([make_job() for _ in range(1_500)])
    claims = store.exchange(Exchange(queue="mail", worker="w", call=1, want=50)).claims
    number = 1
    while claims:
        held[:] = [(claim.raw, claim.token) for claim in claims]
        number += 1
        back, done = held[:5], claims[5:]
        store.release("mail", back)
        outcomes = tuple(Outcome(claim.raw, claim.token, State.COMPLETED) for claim in done)
        claims = store.exchange(Exchange(queue="mail", worker="w", call=number, outcomes=outcomes, want=50)).claims
        if number > 60:
            break
    over.set()
    thread.join()
    keeper.close()
    counts = store.counts()[0]
    assert sum(counts.states.values()) == 1_500
    assert turns


def test_journal_positions_are_read_in_the_order_they_appear(store: Backend, url: str, make_job):
    """A reader that goes on from its last position misses nothing, however writers overtake each other."""
    store.enqueue([make_job() for _ in range(300)])
    writers = [open_url(url) for _ in range(4)]
    over = threading.Event()
    read: list[bytes] = []

    def write(name: str, mine: Backend) -> None:
        mine.open()
        number, outcomes = 0, ()
        while number == 0 or outcomes:
            number += 1
            reply = mine.exchange(Exchange(queue="mail", worker=name, call=number, outcomes=outcomes, want=3))
            outcomes = tuple(
                Outcome(claim.raw, claim.token, State.DEAD, line=b"\xa1x", stream="failures") for claim in reply.claims
            )
        mine.close()

    def follow() -> None:
        after, is_last = "", False
        while not is_last:
            is_last = over.is_set()
            for entry in store.journal("mail", "failures", after, 1_000):
                read.append(entry.lines[3:])
                after = entry.position

    reader = threading.Thread(target=follow)
    reader.start()
    threads = [threading.Thread(target=write, args=(f"w{n}", writer)) for n, writer in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    reader.join()
    assert b"".join(read).count(b"x") == 300


FORK = """
import os, sys
from core.backends.opener import open_backend
from core.model.ident import new_raw
from core.model.job import NewJob
store = open_backend(sys.argv[1])
store.wait(["mail"], 0.01)
def add():
    return store.enqueue([NewJob("mail", new_raw(), "shop.send", b"\\x80")])[0].created
assert add()
child = os.fork()
if child == 0:
    os._exit(0 if add() and add() and store.wait(["mail"], 1) is None else 1)
assert os.waitpid(child, 0)[1] == 0
assert add()
print(sum(store.counts()[0].states.values()))
store.close()
"""


def test_a_forked_child_opens_its_own_connections_and_leaves_its_parents_be(url: str):
    done = subprocess.run([sys.executable, "-c", FORK, url], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "4"), done.stderr
