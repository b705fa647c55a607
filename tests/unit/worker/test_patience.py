"""Waiting for a store: ever longer, with jitter, never without bound, until told to give up."""

import itertools
import threading

from core.errors import StoreUnavailable
from core.worker.patience import FIRST_S, LONGEST_S, delays, insist


def test_waits_double_up_to_a_bound_and_half_of_each_is_chance() -> None:
    waits = list(itertools.islice(delays(), 12))
    assert FIRST_S / 2 <= waits[0] <= FIRST_S
    assert all(LONGEST_S / 2 <= wait <= LONGEST_S for wait in waits[8:])


def test_it_answers_what_the_store_said_in_the_end() -> None:
    answers = iter([StoreUnavailable("away"), StoreUnavailable("away"), 42])

    def act() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert insist(act, what="a test", give_up=threading.Event()) == 42


def test_it_gives_up_when_told() -> None:
    give_up = threading.Event()

    def act() -> None:
        give_up.set()
        raise StoreUnavailable("away")

    assert insist(act, what="a test", give_up=give_up) is None
