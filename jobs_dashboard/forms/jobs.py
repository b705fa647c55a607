"""The filter of a list of jobs, and the jobs that were ticked in it."""

from __future__ import annotations

from django.http import QueryDict

from core.errors import InvalidInput
from core.model.ident import JobRef
from core.model.limits import QUEUE_FORM, QUEUE_NAME, TASK_FORM, TASK_NAME
from core.model.states import State
from jobs_dashboard.queries.jobs import PAGE_ROWS, JobFilter

MAX_SELECTED = 2 * PAGE_ROWS


def is_job_id(text: str) -> bool:
    try:
        JobRef.parse(text.strip())
    except InvalidInput:
        return False
    return True


def read_filter(sent: QueryDict) -> JobFilter:
    """A filter from an address. A mistake that a person can make while typing is told in `problem`; one that only
    a broken link has raises InvalidInput."""
    state, queue = sent.get("state") or State.PENDING, sent.get("queue", "").strip()
    task = (sent.get("task", "") or sent.get("q", "")).strip().rstrip("*")
    after, before = sent.get("after", ""), sent.get("before", "")
    if state not in set(State):
        raise InvalidInput(f"a state is one of {', '.join(State)}", path="state")
    if after and before:
        raise InvalidInput("give one of after and before", path="after")
    problem = ""
    if queue and not QUEUE_NAME.fullmatch(queue):
        problem, queue = f"A queue's name is {QUEUE_FORM}.", ""
    if task and not TASK_NAME.fullmatch(task):
        problem, task = f"A task's name is {TASK_FORM}.", ""
    return JobFilter(state=State(state), queue=queue, task=task, after=after, before=before, problem=problem)


def read_selection(sent: QueryDict) -> list[JobRef]:
    """The jobs that were ticked. Raises InvalidInput when there are none, too many, or one is no job id."""
    ids = list(dict.fromkeys(sent.getlist("job")))
    if not ids:
        raise InvalidInput("no job is selected: tick the jobs first", path="job")
    if len(ids) > MAX_SELECTED:
        raise InvalidInput(f"at most {MAX_SELECTED} jobs at a time", path="job", limit=MAX_SELECTED)
    return [JobRef.parse(each) for each in ids]
