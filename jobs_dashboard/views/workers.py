"""Workers by their heartbeat, and what an administrator asks of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from jobs_dashboard.actions import workers as actions
from jobs_dashboard.forms.queues import read_reason
from jobs_dashboard.queries.workers import worker_list as find

from .door import actor_of
from .render import live_page
from .replies import Toast, after_action


def worker_list(request: HttpRequest) -> HttpResponse:
    return live_page(request, "workers/list", {"workers": find()}, section="workers", every_s=3)


def quiet(request: HttpRequest, id: str) -> HttpResponse:
    actions.quiet(actor_of(request), id, reason=read_reason(request.POST))
    return after_action(request, Toast(f"Worker {id[:8]} was asked to claim nothing more; what it runs goes on."))


def stop(request: HttpRequest, id: str) -> HttpResponse:
    actions.stop(actor_of(request), id, reason=read_reason(request.POST))
    return after_action(request, Toast(f"Worker {id[:8]} was asked to stop; what it runs has its grace period."))
