"""How a store comes to be, is refused, and keeps its days."""

import threading

import pytest

from core.backends.contract import FORMAT, Backend, Exchange
from core.backends.postgres.backend import open_url
from core.backends.postgres.partitions import DAY_MS
from core.errors import StoreFormatError, StoreUnavailable
from core.model.clock import Clock
from core.model.outcome import Outcome
from core.model.retention import Retention
from core.model.states import State

NOON_MS = 1_800_000_000_000 // DAY_MS * DAY_MS + DAY_MS // 2


class HandClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at_ms = NOON_MS

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def opened(url: str, clock: Clock | None = None) -> Backend:
    store = open_url(url, clock=clock)
    store.open()
    return store


def days(ask, schema: str) -> list[str]:
    rows = ask("SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relname ~ '^finished_2'", schema)
    return sorted(name for (name,) in rows if name.removeprefix("finished_").isdecimal())


def test_many_who_open_a_new_store_at_once_open_the_same(url: str):
    stores = [open_url(url) for _ in range(6)]
    threads = [threading.Thread(target=store.open) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({store.store_id for store in stores}) == 1
    for store in stores:
        store.close()


def test_two_schemas_of_one_database_are_two_stores(postgres_server: str, schema: str, make_job):
    one, two = (opened(f"{postgres_server}&schema={schema}_{side}") for side in ("a", "b"))
    one.enqueue([make_job()])
    assert (len(one.counts()), two.counts()) == (1, [])
    assert one.store_id != two.store_id
    one.close()
    two.close()


def test_a_newer_format_is_refused_with_both_numbers(store: Backend, url: str, schema: str, ask):
    ask(f"UPDATE {schema}.store SET format = %s", FORMAT + 1)
    with pytest.raises(StoreFormatError, match=rf"format {FORMAT + 1} and this version knows {FORMAT}"):
        opened(url)


def test_a_store_whose_tables_are_gone_says_so(store: Backend, schema: str, ask):
    ask(f"DROP SCHEMA {schema} CASCADE")
    with pytest.raises(StoreUnavailable, match="are gone"):
        store.counts()


def test_the_time_is_the_servers(store: Backend, ask):
    [(before,)] = ask("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    now = store.now_ms()
    [(after,)] = ask("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    assert before <= now <= after


def test_today_and_tomorrow_are_there_from_the_start(url: str, schema: str, ask, clock: HandClock):
    opened(url, clock).close()
    assert days(ask, schema) == ["finished_20270115", "finished_20270116"]


def finish(store: Backend, job, number: int) -> None:
    from_worker = {"queue": "mail", "worker": "w"}
    store.enqueue([job])
    [claim] = store.exchange(Exchange(**from_worker, call=2 * number, want=1)).claims
    outcome = Outcome(claim.raw, claim.token, State.COMPLETED)
    assert store.exchange(Exchange(**from_worker, call=2 * number + 1, outcomes=(outcome,))).refused == []


def test_a_job_that_finishes_on_a_day_without_a_partition_makes_it(url: str, schema: str, ask, clock, make_job):
    store = opened(url, clock)
    clock.at_ms += 40 * DAY_MS
    finish(store, make_job(), 1)
    assert store.counts()[0].states[State.COMPLETED] == 1
    assert "finished_20270224" in days(ask, schema)
    store.close()


def test_days_of_which_nothing_is_left_are_dropped_and_the_others_stay(url: str, schema: str, ask, clock, make_job):
    store = opened(url, clock)
    finish(store, make_job(), 1)
    clock.at_ms += DAY_MS
    finish(store, make_job(), 2)
    clock.at_ms += 7 * DAY_MS - 1
    store.trim("mail", Retention(), 1_000)  # the first day's job is too old now
    clock.at_ms += 1
    store.trim("mail", Retention(), 1_000)
    clock.at_ms += 3_600_000
    store.trim("mail", Retention(), 1_000)
    left = days(ask, schema)
    assert "finished_20270115" not in left
    assert store.counts()[0].states[State.COMPLETED] == 0 or "finished_20270116" in left
    assert "finished_20270124" in left
    store.close()
