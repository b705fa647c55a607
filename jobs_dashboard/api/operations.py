"""The operations of the API: enqueue, look, act, count."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from ninja import Router

from core.backends.contract import PageQuery
from core.errors import InvalidInput, JobNotFound
from core.model.ident import JobRef
from core.model.limits import TASK_FORM, TASK_NAME
from core.model.payload import check_queue
from core.model.snapshot import JobSnapshot
from core.model.states import State, Verb
from core.tasks.handle import JobHandle
from core.tasks.request import JobRequest
from jobs_dashboard.actions import enqueue as on_enqueue
from jobs_dashboard.actions import jobs as actions
from jobs_dashboard.actions.actor import Actor
from jobs_dashboard.bridge.wiring import current_backend, current_jobs
from jobs_dashboard.models import JobRecord
from jobs_dashboard.models.api_token import Scope
from jobs_dashboard.queries import as_json, places

from . import shapes
from .body import Wish, read_reason, read_wish
from .door import needs
from .problems import problem

router = Router()
MOST_LISTED = 100


@router.post(
    "/jobs",
    auth=needs(Scope.ENQUEUE),
    response=shapes.answers((202, shapes.Accepted)),
    openapi_extra=shapes.sent_as(shapes.Wish, required=True),
    summary="Enqueue a job",
)
def enqueue(request: HttpRequest) -> JsonResponse:
    """Stores one job and answers its id. It has run when its state says so: look at `url`."""
    wish = read_wish(request)
    wanted = current_jobs().client.request(wish.task, wish.arguments, **wish.options)
    handle = _enqueued(request.auth, wanted)  # type: ignore[attr-defined]  # set by the door
    state, message = _told_of(wish), "The job is stored."
    if handle.created is False:
        found = handle.get()
        state = found.state if found else State.PENDING
        message = "A live job holds this unique key; nothing was stored."
    url = _url(handle.id)
    told = {"id": handle.id, "state": str(state), "message": message, "url": url}
    return JsonResponse(told, status=202, headers={"Location": url})


@router.get("/jobs", auth=needs(Scope.READ), response=shapes.answers((200, shapes.JobPage)), summary="List jobs")
def list_jobs(
    request: HttpRequest, state: str = "completed", queue: str = "", task: str = "", limit: str = "10", after: str = ""
) -> JsonResponse:
    """A page of one state in its natural order: the newest first of final states, the next first of others."""
    query = PageQuery(
        state=_state(state),
        queues=(check_queue(queue),) if queue else (),
        task=_task_filter(task),
        after=places.read(after, "after"),
        limit=_limit(limit),
    )
    page = current_backend().page(query)
    jobs = [as_json.job_line(JobSnapshot(job)) for job in page.jobs]
    return JsonResponse({"jobs": jobs, "next": places.written(page.next) or None})


@router.get("/jobs/{id}", auth=needs(Scope.READ), response=shapes.answers((200, shapes.Job)), summary="Look at a job")
def show(request: HttpRequest, id: str) -> JsonResponse:
    """The job as its store holds it now, or as rows remember it when the store has let go of it."""
    ref = JobRef.parse(id)
    [found] = current_backend().get([ref])
    if found is not None:
        told = as_json.job_whole(JobSnapshot(found))
    else:
        record = JobRecord.objects.filter(job_id=str(ref)).first()
        if record is None:
            raise JobNotFound("There is no such job: it never was, or retention deleted it.")
        told = as_json.job_remembered(record)
    return JsonResponse({**told, "from_history": found is None, "url": _url(str(ref))})


def _acting(verb: Verb, summary: str) -> Any:
    """One operation a verb; they differ in nothing else."""

    def act(request: HttpRequest, id: str) -> JsonResponse:
        ref = JobRef.parse(id)
        actor: Any = request.auth  # type: ignore[attr-defined]  # set by the door
        outcome = actions.act(actor, verb, ref, reason=read_reason(request))
        if not outcome.applied:
            state = str(outcome.after or outcome.before)
            return problem(409, "conflict", "The job has moved on", outcome.sentence, state=state)
        job = str(outcome.job)
        return JsonResponse({"id": job, "state": str(outcome.after), "message": outcome.sentence, "url": _url(job)})

    return router.post(
        f"/jobs/{{id}}/{verb}",
        auth=needs(Scope.OPERATE),
        response=shapes.answers((200, shapes.Acted)),
        openapi_extra=shapes.sent_as(shapes.Reason, required=False),
        operation_id=f"{verb}_job",
        url_name=str(verb),
        summary=summary,
    )(act)


_acting(Verb.RETRY, "Retry a job: run it now; a completed one runs as a new job")
_acting(Verb.CANCEL, "Cancel a job; a running one is asked to stop")
_acting(Verb.DISCARD, "Discard a waiting or dead job")


@router.get("/stats", auth=needs(Scope.READ), response=shapes.answers((200, shapes.Stats)), summary="Count jobs")
def stats(request: HttpRequest) -> JsonResponse:
    """How many jobs the store holds, by state and queue."""
    return JsonResponse(as_json.stats(current_jobs().stats()))


def _enqueued(actor: Actor, wanted: JobRequest) -> JobHandle[object]:
    """What a person asks for stands in the audit. What a program asks for is its work, and would bury it."""
    if actor.user is None:
        return current_jobs().enqueue(wanted)
    made: list[JobHandle[object]] = []
    on_enqueue.enqueue(actor, wanted, made=made.append)
    return made[0]


def _told_of(wish: Wish) -> State:
    """What a new job's state is, without asking the store again; it may have moved on anyway."""
    run_at = wish.options.get("run_at")
    is_later = bool(wish.options.get("delay")) or (run_at is not None and run_at > datetime.now(UTC))
    return State.SCHEDULED if is_later else State.PENDING


def _url(job_id: str) -> str:
    return reverse("jobs_api:show", kwargs={"id": job_id})


def _state(text: str) -> State:
    try:
        return State(text)
    except ValueError:
        raise InvalidInput(f"no such state: one of {', '.join(State)}", path="$.state") from None


def _task_filter(text: str) -> str:
    """The beginning of a task's name; a star at its end says so."""
    name = text.removesuffix("*")
    if name and not TASK_NAME.fullmatch(name):
        raise InvalidInput(f"not the beginning of a task's name: {TASK_FORM}", path="$.task")
    return text


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= MOST_LISTED):
        raise InvalidInput(f"give a whole number from 1 to {MOST_LISTED}", path="$.limit", limit=MOST_LISTED)
    return int(text)
