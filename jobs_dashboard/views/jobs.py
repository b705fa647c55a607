"""Jobs: lists by state, one job, and what is done to them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from core.errors import JobNotFound
from core.model.ident import JobRef
from core.model.states import State, Verb
from jobs_dashboard.actions import jobs as actions
from jobs_dashboard.forms.jobs import is_job_id, read_filter, read_selection
from jobs_dashboard.forms.queues import read_reason
from jobs_dashboard.queries import detail, jobs

from .door import actor_of
from .render import is_fragment, live_page, page
from .replies import Toast, after_action, part, query_behind


def job_list(request: HttpRequest) -> HttpResponse:
    """One state, one page; a pasted id leads to its job."""
    if is_job_id(request.GET.get("q", "")):
        return redirect("jobs:job", id=request.GET["q"].strip())
    wanted = read_filter(request.GET)
    section = "dead" if wanted.state is State.DEAD else "jobs"
    every_s = 5 if wanted.is_first_page and not wanted.problem else 0
    status = 400 if wanted.problem else 200
    context = {"list": jobs.job_list(wanted)}
    return live_page(request, "jobs/list", context, section=section, every_s=every_s, status=status)


def job(request: HttpRequest, id: str) -> HttpResponse:
    return _job_page(request, JobRef.parse(id), 200)


def act(request: HttpRequest, id: str, verb: str) -> HttpResponse:
    """One verb on one job: no question asked, undo offered where there is one."""
    ref = JobRef.parse(id)
    told = actions.act(actor_of(request), Verb(verb), ref, reason=read_reason(request.POST))
    toast = Toast(
        text=told.sentence,
        level="success" if told.applied else "error",
        undo=reverse("jobs:act", kwargs={"id": id, "verb": Verb.RETRY}) if told.may_undo else "",
        link=reverse("jobs:job", kwargs={"id": str(told.job)}) if told.job != ref else "",
    )
    target = request.headers.get("HX-Target", "")
    fresh = None if not target else _row if target.startswith("job-") else _job_page
    return after_action(
        request,
        toast,
        fresh=(lambda status: fresh(request, ref, status)) if fresh else None,
        plain=lambda status: _job_page(request, ref, status),
    )


def act_on_selected(request: HttpRequest, verb: str) -> HttpResponse:
    """Several jobs: first the count is shown, then it is done."""
    refs = read_selection(request.POST)
    if not request.POST.get("confirmed"):
        context = {"verb": verb, "jobs": [str(ref) for ref in refs], "back": request.POST.get("next", "")}
        if is_fragment(request):
            return part(request, "jobs/confirm_form.html", context, 200)
        return page(request, "jobs/confirm.html", context, section="jobs")
    answers = actions.act_on(actor_of(request), Verb(verb), refs)
    applied = sum(one.applied for one in answers)
    text = actions.told_of_many(Verb(verb), applied, len(answers))
    return after_action(request, Toast(text, level="success" if applied else "error"))


def _job_page(request: HttpRequest, ref: JobRef, status: int) -> HttpResponse:
    found = detail.job_detail(ref)
    if found is None:
        return page(request, "jobs/history.html", {"past": detail.remembered(ref)}, section="jobs", status=status)
    url = reverse("jobs:job", kwargs={"id": str(ref)})
    context = {"job": found}
    return live_page(request, "jobs/detail", context, section="jobs", every_s=found.every_s, status=status, url=url)


def _row(request: HttpRequest, ref: JobRef, status: int) -> HttpResponse:
    """The fresh line, and the tabs' counts beside it."""
    row = detail.job_row(ref)
    if row is None:
        raise JobNotFound("retention has deleted this job")
    wanted = read_filter(query_behind(request))
    tabs = jobs.tabs(wanted.state, wanted.queue)
    context = {"row": row, "tabs": tabs, "filter": wanted, "has_moved": row.state is not wanted.state}
    return part(request, "jobs/row_fresh.html", context, status)
