"""Jobs in lists: one state, one page, by the store's own order."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from core.backends.contract import Page, PageQuery
from core.model.gate import waits_for
from core.model.job import StoredJob, ready_ms_of
from core.model.outcome import AttemptLine
from core.model.states import State, Verb, allows

from . import payload, places, snapshot
from .store import readers

PAGE_ROWS = 50
_lines = msgspec.msgpack.Decoder(AttemptLine)

TAB_ORDER = (
    State.PENDING,
    State.RUNNING,
    State.FAILED,
    State.DEAD,
    State.SCHEDULED,
    State.HELD,
    State.COMPLETED,
    State.CANCELLED,
)
_ORDER_WORDS = {
    State.PENDING: "in the order they will run",
    State.RUNNING: "the lease that ends soonest first",
    State.FAILED: "the next try first",
    State.SCHEDULED: "the soonest due first",
    State.HELD: "longest held first",
}
_TIME_WORDS = {
    State.PENDING: "Ready",
    State.RUNNING: "Started",
    State.FAILED: "Next try",
    State.SCHEDULED: "Due",
    State.HELD: "Enqueued",
    State.DEAD: "Died",
    State.COMPLETED: "Finished",
    State.CANCELLED: "Cancelled",
}


@dataclass(frozen=True)
class JobFilter:
    """What a list shows. task: the beginning of a name. problem: what could not be read, in a sentence."""

    state: State = State.PENDING
    queue: str = ""
    task: str = ""
    after: str = ""
    before: str = ""
    problem: str = ""

    @property
    def is_narrow(self) -> bool:
        return bool(self.queue or self.task)

    @property
    def is_first_page(self) -> bool:
        return not (self.after or self.before)


@dataclass(frozen=True)
class JobRow:
    """One line of a list; never the payload or the traceback."""

    id: str
    key: str
    state: State
    task: str
    preview: str
    queue: str
    priority: int
    tries: int
    max_attempts: int
    at_ms: int
    note: str
    error_type: str
    verbs: tuple[Verb, ...]
    is_asked_to_stop: bool
    is_gone: bool = False

    @property
    def is_due(self) -> bool:
        """Whether its time lies ahead and may be overdue."""
        return self.state in (State.SCHEDULED, State.FAILED)

    @property
    def time_word(self) -> str:
        return _TIME_WORDS[self.state]


@dataclass(frozen=True)
class Tab:
    state: State
    count: int
    is_current: bool


@dataclass(frozen=True)
class JobList:
    """A page of jobs with what is around it."""

    filter: JobFilter
    tabs: tuple[Tab, ...]
    rows: tuple[JobRow, ...]
    queues: tuple[str, ...]
    next: str
    previous: str
    scanned: int
    is_exhausted: bool

    @property
    def time_word(self) -> str:
        return _TIME_WORDS[self.filter.state]

    @property
    def order(self) -> str:
        return _ORDER_WORDS.get(self.filter.state, "newest first")

    @property
    def verbs(self) -> tuple[Verb, ...]:
        return verbs_for(self.filter.state)


def job_list(wanted: JobFilter) -> JobList:
    """One page of a state, with the tabs and the queues to choose from."""
    query = PageQuery(
        state=wanted.state,
        queues=(wanted.queue,) if wanted.queue else (),
        task=wanted.task + "*" if wanted.task else "",
        after=places.read(wanted.after, "after"),
        before=places.read(wanted.before, "before"),
        limit=PAGE_ROWS,
    )
    page = Page(jobs=()) if wanted.problem else readers().page(query)
    return JobList(
        filter=wanted,
        tabs=tabs(wanted.state, wanted.queue),
        rows=tuple(row_of(job) for job in page.jobs),
        queues=tuple(queue.queue for queue in snapshot.current().queues),
        next=places.written(page.next),
        previous=places.written(page.previous),
        scanned=page.scanned,
        is_exhausted=page.exhausted,
    )


def tabs(state: State | None, queue: str = "") -> tuple[Tab, ...]:
    """Every state with how many jobs are in it, of one queue or of all."""
    held = [each for each in snapshot.current().queues if not queue or each.queue == queue]
    return tuple(Tab(each, sum(one.states.get(each, 0) for one in held), each is state) for each in TAB_ORDER)


def row_of(job: StoredJob) -> JobRow:
    """A stored job as a line; what went wrong last is its note."""
    last = last_line(job)
    error_type = last.error_type if last and job.state in (State.FAILED, State.DEAD) else ""
    note = last.error_line if last and error_type else waits_for(job.held_at, job.reason) or job.reason
    return JobRow(
        id=str(job.ref),
        key=f"job-{job.ref.queue}-{str(job.ref).rpartition('~')[2]}".replace(".", "_").replace("@", "_"),
        state=job.state,
        task=job.task,
        preview=payload.preview(job.arguments),
        queue=job.ref.queue,
        priority=job.priority,
        tries=job.tries,
        max_attempts=job.max_attempts,
        at_ms=time_of(job),
        note=payload.visible(note),
        error_type=error_type.rpartition(".")[2],
        verbs=verbs_for(job.state),
        is_asked_to_stop=job.cancel_asked,
    )


def verbs_for(state: State) -> tuple[Verb, ...]:
    """The buttons a job in this state may have."""
    return tuple(verb for verb in Verb if allows(verb, state))


def time_of(job: StoredJob) -> int:
    """The moment that matters in its state: due, started, finished or ready."""
    if job.state in (State.SCHEDULED, State.FAILED):
        return job.due_ms
    if job.state is State.RUNNING:
        return job.claimed_ms
    if job.state is State.PENDING:
        return ready_ms_of(job.score)
    return job.finished_ms or job.enqueued_ms


def last_line(job: StoredJob) -> AttemptLine | None:
    return _lines.decode(job.lines[-1]) if job.lines else None


def lines_of(job: StoredJob) -> list[AttemptLine]:
    return [_lines.decode(line) for line in job.lines]
