"""A long walk over several queues goes in steps, and meets each job once and in the order of a short one."""

import itertools

import pytest

from core.backends.contract import Backend, Cursor, Page, PageQuery
from core.backends.postgres import walk
from core.model.job import NewJob
from core.model.states import State, Verb

from .conftest import MakeJob, Spent

SIZES = {"a": 1, "bills": 9, "mail": 37, "none": 0, "z": 12}
LATER_MS = 1 << 45
WANTED, OTHER = "shop.send", "shop.look"


@pytest.fixture
def short_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk, "_FIRST", 2)
    monkeypatch.setattr(walk, "_LARGEST", 7)


@pytest.fixture
def jobs(store: Backend, make_job: MakeJob) -> list[NewJob]:
    """Due in a mixed order, many of them at the same time as those of another queue; every third is another task's."""
    made = [
        make_job(queue=queue, task=OTHER if number % 3 == 2 else WANTED, run_at_ms=LATER_MS + number * 7 % 5)
        for queue, size in SIZES.items()
        for number in range(size)
    ]
    store.enqueue(made)
    return made


def pages(store: Backend, limit: int, scan_limit: int, *, back: bool = False, **asked: object) -> list[Page]:
    """All pages from the near end on, or from behind the far end back."""
    found: list[Page] = []
    turn: Cursor | None = Cursor(1 << 60, "~", b"") if back else None
    while turn is not None or not found:
        cursor = {"before" if back else "after": turn}
        query = PageQuery(task=WANTED, limit=limit, scan_limit=scan_limit, **cursor, **asked)  # type: ignore[arg-type]
        found.append(store.page(query))
        turn = found[-1].previous if back else found[-1].next
    return found[::-1] if back else found


@pytest.mark.parametrize("back", [False, True], ids=["on", "back"])
@pytest.mark.parametrize(("limit", "scan_limit"), [(3, 5_000), (50, 5_000), (50, 11), (4, 9)])
@pytest.mark.usefixtures("short_steps")
def test_every_job_is_met_once_and_in_order(
    store: Backend, jobs: list[NewJob], limit: int, scan_limit: int, back: bool
):
    found = pages(store, limit, scan_limit, back=back, state=State.SCHEDULED)
    met = [job.ref for page in found for job in page.jobs]
    wanted = [job for job in jobs if job.task == WANTED]
    assert met == [job.ref for job in sorted(wanted, key=lambda job: (job.run_at_ms, job.queue, job.raw))]
    assert all(page.scanned <= scan_limit for page in found)


@pytest.mark.usefixtures("short_steps")
def test_newest_come_first_where_jobs_have_ended(store: Backend, jobs: list[NewJob]):
    for queue, own in itertools.groupby(jobs, key=lambda job: job.queue):
        store.act(Verb.CANCEL, queue, [job.raw for job in own], "op")
    wanted = [job.ref for job in jobs if job.task == WANTED]
    on = [job for page in pages(store, 5, 5_000, state=State.CANCELLED) for job in page.jobs]
    assert sorted(on, key=lambda job: (job.finished_ms, job.ref.queue, job.ref.raw), reverse=True) == on
    assert {job.ref for job in on} == set(wanted)
    assert len(on) == len(wanted)


def test_a_page_that_is_full_soon_reads_one_step(store: Backend, make_job: MakeJob, spent: Spent):
    store.enqueue([make_job(queue=queue) for queue in ("a", "b") for _ in range(300)])
    query = PageQuery(state=State.PENDING, task=WANTED, limit=50)
    sent = spent(lambda: store.page(query))
    assert sum("ORDER BY walk.score" in text for text in sent) == 1
    whole = spent(lambda: store.page(PageQuery(state=State.PENDING, task="nobody's", limit=50)))
    assert sum("ORDER BY walk.score" in text for text in whole) == 3  # a hundred of each, then each queue's rest
