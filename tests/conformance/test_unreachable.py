"""A store that is not there says so, in one kind of error, from every verb, and soon."""

import time
from collections.abc import Callable, Iterator

import pytest

from core.backends.contract import Backend, Exchange, PageQuery, Sweep
from core.backends.opener import open_backend
from core.errors import StoreUnavailable
from core.model.ident import JobRef
from core.model.job import NewJob, StoredJob
from core.model.retention import Retention
from core.model.schedule import StoredSchedule
from core.model.states import State, Verb
from core.model.worker import WorkerInfo, WorkerOrders

from .clock import FakeClock
from .places import Losable

RAW = b"0123456789abcd"
JOB = NewJob("mail", RAW, "shop.send", b"\x80")
STORED = StoredJob(
    ref=JobRef("mail", RAW),
    state=State.DEAD,
    score=1,
    task="shop.send",
    arguments=b"\x80",
    options=b"",
    priority=0,
    max_attempts=4,
    enqueued_ms=1,
    finished_ms=1,
)
SCHEDULE = StoredSchedule(queue="mail", key="other", spec=b"\x80", enabled=True, version=1, last_fire_ms=1)
# Not relay: a store that needs none has nothing to ask.
VERBS: dict[str, Callable[[Backend], object]] = {
    "enqueue": lambda store: store.enqueue([JOB]),
    "exchange": lambda store: store.exchange(Exchange(queue="mail", worker="w", call=1, want=1)),
    "renew": lambda store: store.renew("mail", [(RAW, 1)], 30_000),
    "release": lambda store: store.release("mail", [(RAW, 1)]),
    "rescue": lambda store: store.rescue("mail", 10, 30_000),
    "trim": lambda store: store.trim("mail", Retention(), 10),
    "act": lambda store: store.act(Verb.RETRY, "mail", [RAW], "op"),
    "sweep": lambda store: store.sweep(
        Sweep(queue="mail", verb=Verb.CANCEL, state=State.DEAD, before_ms=1, operation="op")
    ),
    "adopt": lambda store: store.adopt("mail", [STORED]),
    "withdraw": lambda store: store.withdraw("mail", [(RAW, State.DEAD, 1)]),
    "pause": lambda store: store.pause("mail", "x"),
    "resume": lambda store: store.resume("mail"),
    "purge": lambda store: store.purge("mail", State.DEAD, 1, 1),
    "order": lambda store: store.order("w", WorkerOrders(stop=True)),
    "beat": lambda store: store.beat(WorkerInfo(id="w")),
    "forget": lambda store: store.forget("w"),
    "workers": lambda store: store.workers(),
    "put_schedule": lambda store: store.put_schedule("mail", "key", b"\x80", enabled=True),
    "switch_schedule": lambda store: store.switch_schedule("mail", "key", enabled=True),
    "adopt_schedule": lambda store: store.adopt_schedule(SCHEDULE),
    "remove_schedule": lambda store: store.remove_schedule("mail", "key"),
    "tick": lambda store: store.tick("mail", "key", 1, 1, 2, JOB),
    "schedules": lambda store: store.schedules(),
    "counts": lambda store: store.counts(),
    "get": lambda store: store.get([JobRef("mail", RAW)]),
    "page": lambda store: store.page(PageQuery(state=State.PENDING)),
    "ahead": lambda store: store.ahead(JobRef("mail", RAW), 10),
    "gate": lambda store: store.gate("mail", "limit:ann"),
    "journal": lambda store: store.journal("mail", "failures", "", 10),
    "minutes": lambda store: store.minutes("mail", 0),
    "ping": lambda store: store.ping(),
}
PING_PROMISE_S = 2.0
ALLOWANCE = 5


@pytest.fixture
def lost(losable: Losable) -> Iterator[Backend]:
    """A store that was used and then taken away."""
    store = open_backend(losable.url, clock=FakeClock())
    for use in VERBS.values():
        use(store)
    losable.lose()
    yield store
    store.close()


@pytest.mark.timeout(300)
def test_every_verb_says_that_the_store_is_gone(lost: Backend):
    told = {}
    for verb, use in VERBS.items():
        try:
            use(lost)
        except StoreUnavailable:
            continue
        except Exception as error:
            told[verb] = repr(error)
        else:
            told[verb] = "no error"
    assert told == {}


def test_the_error_is_a_sentence_for_people(lost: Backend):
    with pytest.raises(StoreUnavailable, match=r"\w+ \w+ \w+"):
        lost.counts()


def test_a_ping_of_a_lost_store_fails_within_its_promise(lost: Backend):
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        lost.ping()
    assert time.monotonic() - began < PING_PROMISE_S * ALLOWANCE


def test_a_lost_store_can_be_closed(lost: Backend):
    lost.close()


def test_a_store_that_cannot_be_reached_cannot_be_opened(losable: Losable):
    open_backend(losable.url, clock=FakeClock()).close()
    for url in losable.nowhere:
        with pytest.raises(StoreUnavailable):
            open_backend(url, clock=FakeClock())
