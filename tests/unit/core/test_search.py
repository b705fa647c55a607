"""Looking for jobs by what they carry: exactly, within a bound, and saying how far."""

from typing import Any

import pytest

from core.app import Jobs
from core.errors import InvalidInput
from core.model.states import State
from core.search import Search
from core.tasks.task import Task


def send(to: str, tags: Any = None, user_id: Any = None) -> None:
    """A handler."""


@pytest.fixture
def task(jobs: Jobs) -> Task[..., Any]:
    return jobs.register("send", send)


def found(jobs: Jobs, **wanted: Any) -> list[str]:
    page = jobs.control.search(Search(state=State.PENDING, **wanted))
    return [jobs.get(str(job.ref)).arguments["to"] for job in page.jobs]  # type: ignore[union-attr]


def test_by_text_anywhere_in_the_arguments(jobs: Jobs, task: Task[..., Any]) -> None:
    task.enqueue(to="ann@example.com")
    task.enqueue(to="bob", tags=[{"from": "Zoë@example.com"}])
    assert found(jobs, text="@example.com") == ["ann@example.com", "bob"]
    assert found(jobs, text="Zoë") == ["bob"]
    assert found(jobs, text="nobody") == []


def test_by_argument_with_its_type(jobs: Jobs, task: Task[..., Any]) -> None:
    task.enqueue(to="number", user_id=42)
    task.enqueue(to="text", user_id="42")
    task.enqueue(to="another", user_id=421)
    assert found(jobs, arguments={"user_id": 42}) == ["number"]
    assert found(jobs, arguments={"user_id": "42"}) == ["text"]


def test_by_metadata_and_task_and_queue(jobs: Jobs, task: Task[..., Any]) -> None:
    task.using(metadata={"user_id": 7}).enqueue(to="a")
    task.using(metadata={"user_id": 7}, queue="mail").enqueue(to="b")
    task.enqueue(to="c", user_id=7)
    assert found(jobs, metadata={"user_id": 7}) == ["a", "b"]
    assert found(jobs, metadata={"user_id": 7}, queues=("mail",)) == ["b"]
    assert found(jobs, metadata={"user_id": 7}, task="other*") == []


def test_bytes_that_only_look_alike_are_not_found(jobs: Jobs, task: Task[..., Any]) -> None:
    task.enqueue(to="a", tags={"user_id": 7})
    task.using(metadata={"user_id": 7}).enqueue(to="b")
    assert found(jobs, arguments={"user_id": 7}) == []
    assert found(jobs, arguments={"user_id": 7}, limit=1) == [], "what looked alike does not end the walk"


def test_it_says_how_far_it_looked_and_goes_on_from_there(jobs: Jobs, task: Task[..., Any]) -> None:
    task.enqueue_many([{"to": str(n)} for n in range(30)])
    task.enqueue(to="needle")
    first = jobs.control.search(Search(state=State.PENDING, text="needle", scan_limit=20))
    assert (len(first.jobs), first.scanned, first.exhausted) == (0, 20, False)
    rest = jobs.control.search(Search(state=State.PENDING, text="needle", scan_limit=20, after=first.next))
    assert (len(rest.jobs), rest.scanned, rest.exhausted) == (1, 11, True)


@pytest.mark.parametrize(
    "wanted",
    [{"text": "x" * 201}, {"metadata": {str(n): n for n in range(9)}}, {"arguments": {"n": float("nan")}}],
)
def test_what_cannot_be_looked_for_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Search(state=State.DEAD, **wanted)
