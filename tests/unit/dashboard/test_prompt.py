"""A hung store: the web is told within its patience, and at once while the hung call has not come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from core.app import Jobs
from core.backends.memory.backend import MemoryBackend
from core.errors import StoreUnavailable
from core.tasks.registry import Registry
from jobs_dashboard.bridge import prompt as prompt_module
from jobs_dashboard.bridge.prompt import PATIENCE_S, PromptBackend


class Hanging(MemoryBackend):
    """Answers nothing while the gate is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def counts(self) -> list[object]:
        self.gate.wait(30)
        return super().counts()


@pytest.fixture
def store() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.gate.set()


def test_verbs_and_errors_pass_through(store: Hanging, registry: Registry) -> None:
    jobs = Jobs(backend=PromptBackend(lambda: store), registry=registry)

    job = jobs.enqueue("add", a=1)

    assert jobs.get(job.id).state == "pending"
    assert jobs.backend.features.name == "memory"
    assert jobs.backend.store_id == store.store_id
    with pytest.raises(TypeError):
        jobs.backend.get(5)
    jobs.close()


def test_a_call_that_was_given_up_before_it_began_does_not_act_later(
    store: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_module, "_THREADS", 1)
    prompt = PromptBackend(lambda: store, patience_s=0.3)
    store.gate.clear()
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        with pytest.raises(StoreUnavailable):
            prompt.counts()

    hung = threading.Thread(target=ask)
    hung.start()
    assert asked.wait(10)
    time.sleep(0.05)  # it holds the only thread by now; the next one waits behind it
    with pytest.raises(StoreUnavailable):
        prompt.pause("mail", "somebody who gave up and chose otherwise")
    hung.join()
    store.gate.set()
    prompt._threads.shutdown(wait=True)
    assert MemoryBackend.counts(store) == []


def test_a_hung_call_is_given_up_and_the_next_ones_fail_at_once(store: Hanging) -> None:
    prompt = PromptBackend(lambda: store, patience_s=0.05)
    prompt.now_ms()
    store.gate.clear()

    with pytest.raises(StoreUnavailable, match=r"0\.05 s"):
        prompt.counts()
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(StoreUnavailable, match="earlier"):
            prompt.now_ms()
    assert time.monotonic() - began < 100 * 0.05, "none of them waited"

    store.gate.set()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            assert prompt.counts() == []
            break
        except StoreUnavailable:
            time.sleep(0.01)
    else:
        pytest.fail("it did not recover")


def test_a_store_that_hangs_while_it_is_opened_is_given_up_too() -> None:
    gate = threading.Event()

    def open_slowly() -> Hanging:
        gate.wait(30)
        return Hanging()

    prompt = PromptBackend(open_slowly, patience_s=0.05)

    with pytest.raises(StoreUnavailable):
        prompt.counts()
    gate.set()


def test_a_store_that_refuses_says_so_each_time_and_is_opened_when_it_is_back() -> None:
    answers: list[object] = [StoreUnavailable("refused"), StoreUnavailable("refused"), MemoryBackend()]

    def open_store() -> MemoryBackend:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    prompt = PromptBackend(open_store)

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="refused"):
            prompt.counts()
    assert prompt.counts() == []


def test_its_patience_leaves_room_within_two_seconds() -> None:
    assert PATIENCE_S < 2
