"""Every kind of page that a dashboard asks for, on each state: both directions, deep, by queue, by task."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from core.backends.contract import Backend, Cursor, Page, PageQuery
from core.model.ident import JobRef
from core.model.job import StoredJob
from core.model.states import FINAL, State

from .spread import BUSY, TASKS

LIMIT = 50
NOBODYS_TASK = "nobody.*"
ONE_TASK = f"images.{TASKS[0]}"


@dataclass(frozen=True)
class Kind:
    """A question and its name."""

    name: str
    query: PageQuery


def kinds(store: Backend, state: State, known: Sequence[JobRef]) -> list[Kind]:
    """All of a state. Deep is the middle of those jobs that are known to stand in it."""
    places = [job for job in store.get(known) if job is not None and job.state is state]
    of_one = [job for job in places if job.ref.queue == BUSY] or list(store.page(_first(state, (BUSY,))).jobs)
    return list(_kinds(state, _middle(_in_order(state, places)), _middle(_in_order(state, of_one))))


def _first(state: State, queues: tuple[str, ...]) -> PageQuery:
    """For a small store, in which those that were known are gone."""
    return PageQuery(state=state, queues=queues, limit=LIMIT)


def _kinds(state: State, deep: Cursor, of_one: Cursor) -> Iterator[Kind]:
    def ask(name: str, **wanted: Any) -> Kind:
        return Kind(name, PageQuery(state=state, limit=LIMIT, **wanted))

    one = (BUSY,)
    yield ask("all queues, first")
    yield ask("all queues, deep, on", after=deep)
    yield ask("all queues, deep, back", before=deep)
    yield ask("one queue, first", queues=one)
    yield ask("one queue, deep, on", queues=one, after=of_one)
    yield ask("one queue, deep, back", queues=one, before=of_one)
    yield ask("task prefix, deep, on", task=f"{BUSY}.*", after=deep)
    yield ask("one task, first", task=ONE_TASK)
    yield ask("nobody's task, all queues, to the bound", task=NOBODYS_TASK)
    yield ask("nobody's task, all queues, deep, back, to the bound", task=NOBODYS_TASK, before=deep)
    yield ask("nobody's task, one queue, to the bound", queues=one, task=NOBODYS_TASK)


def read_ms(store: Backend, query: PageQuery) -> float:
    """How long one page took; what it answers is looked at too."""
    started = time.perf_counter()
    page = store.page(query)
    taken = time.perf_counter() - started
    _check(page, query)
    return taken * 1000


def _check(page: Page, query: PageQuery) -> None:
    """A page that finds nothing costs nothing, and would look fast."""
    looks_in_vain = query.task == NOBODYS_TASK
    if looks_in_vain == bool(page.jobs) and (looks_in_vain or not query.task):
        raise RuntimeError(f"{query} answered {len(page.jobs)} jobs")
    if looks_in_vain and not page.exhausted and page.scanned != query.scan_limit:
        raise RuntimeError(f"{query} looked at {page.scanned} jobs")
    if any(job.state is not query.state for job in page.jobs):
        raise RuntimeError(f"{query} answered jobs of another state")


def _in_order(state: State, jobs: Sequence[StoredJob]) -> list[StoredJob]:
    return sorted(jobs, key=lambda job: (job.score, job.ref.queue, job.ref.raw), reverse=state in FINAL)


def _middle(places: Sequence[StoredJob]) -> Cursor:
    job = places[len(places) // 2]
    return Cursor(job.score, job.ref.queue, job.ref.raw)
