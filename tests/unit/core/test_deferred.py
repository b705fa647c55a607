"""A store that is opened by the first question."""

import pytest

from core.app import Jobs
from core.backends.contract import Backend
from core.backends.deferred import deferred
from core.backends.opener import open_backend
from core.errors import StoreUnavailable
from core.tasks import binding
from core.tasks.registry import Registry


def test_it_is_opened_once_by_the_first_question() -> None:
    opened: list[Backend] = []

    def opening() -> Backend:
        opened.append(open_backend("memory://"))
        return opened[-1]

    store = deferred(opening)
    store.open()
    assert opened == []
    assert store.features.name == "memory"
    assert store.counts() == []
    assert len(opened) == 1
    store.close()


def test_a_store_that_could_not_be_opened_is_tried_again_by_the_next_question() -> None:
    away = [True, False]

    def opening() -> Backend:
        if away.pop(0):
            raise StoreUnavailable("not yet")
        return open_backend("memory://")

    store = deferred(opening)
    with pytest.raises(StoreUnavailable):
        store.counts()
    assert store.counts() == []


def test_closing_what_was_never_asked_opens_nothing() -> None:
    def never() -> Backend:
        raise AssertionError("nobody asked")

    deferred(never).close()


def test_a_jobs_reopened_lazily_is_the_one_that_tasks_enqueue_to() -> None:
    jobs = Jobs("memory://", registry=Registry())
    again = jobs.reopened(lazily=True)
    try:
        assert binding.current() is again
        assert again.registry is jobs.registry
        again.register("t", lambda: 1)
        assert again.get(again.enqueue("t").id) is not None
        assert jobs.stats() == []
    finally:
        again.close()
        jobs.close()
