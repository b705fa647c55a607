"""NOTIFY sparingly, and nobody sleeps over what was not told."""

import threading
import time

import psycopg
import pytest

from core.backends.contract import Backend
from core.backends.postgres.backend import open_url
from core.backends.postgres.wakeup import QUIET_S
from core.errors import StoreUnavailable

SOON_S = 4.0


def test_a_queue_is_told_of_at_most_once_in_a_while(store: Backend, postgres_server: str, schema: str, make_job):
    with psycopg.connect(postgres_server, autocommit=True) as db:
        db.execute(f"LISTEN {schema}")
        began = time.monotonic()
        for _ in range(40):
            store.enqueue([make_job()])
        lasted_s = time.monotonic() - began
        told = [notify.payload for notify in db.notifies(timeout=0.2)]
    assert set(told) == {"mail"}
    assert len(told) <= lasted_s / QUIET_S + 1


def test_each_queue_is_told_of_apart(store: Backend, postgres_server: str, schema: str, make_job):
    with psycopg.connect(postgres_server, autocommit=True) as db:
        db.execute(f"LISTEN {schema}")
        store.enqueue([make_job(queue="mail"), make_job(queue="bills")])
        assert sorted(notify.payload for notify in db.notifies(timeout=0.2)) == ["bills", "mail"]


def test_what_was_not_told_is_found_soon(store: Backend, url: str, send, make_job):
    """The second job comes while its queue may not be told of again; the sleeper is another process's."""
    other = open_url(url)
    other.open()
    other.wait(["mail"], 0.01)  # from now on it listens
    other.enqueue([make_job()])
    assert len(send(want=1).claims) == 1
    slept: list[float] = []

    def sleep() -> None:
        began = time.monotonic()
        store.wait(["mail"], 20.0)
        slept.append(time.monotonic() - began)

    waiter = threading.Thread(target=sleep)
    waiter.start()
    other.enqueue([make_job()])
    waiter.join()
    other.close()
    assert slept[0] < SOON_S


def test_polling_alone_suffices(url: str, make_job):
    sleeper, other = open_url(f"{url}&listen=no"), open_url(url)
    sleeper.open()
    other.open()
    threading.Timer(0.1, other.enqueue, ([make_job()],)).start()
    began = time.monotonic()
    sleeper.wait(["mail"], 20.0)
    assert time.monotonic() - began < SOON_S
    sleeper.close()
    other.close()


def test_a_sleeper_wakes_for_what_becomes_due(store: Backend, make_job):
    store.enqueue([make_job(delay_ms=150)])
    began = time.monotonic()
    store.wait(["mail"], 20.0)
    assert time.monotonic() - began < SOON_S


def test_a_closed_store_can_be_opened_again_and_is_not_slept_on_before(store: Backend, make_job):
    store.close()
    with pytest.raises(StoreUnavailable, match="was closed"):
        store.wait(["mail"], 20.0)
    store.open()
    store.enqueue([make_job()])
    store.wait(["mail"], 20.0)


def test_closing_wakes_those_who_sleep(store: Backend):
    threading.Timer(0.1, store.close).start()
    began = time.monotonic()
    store.wait(["mail"], 20.0)
    assert time.monotonic() - began < SOON_S
