"""Schedules: what fires when, the switch, and a run at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from core.errors import JobNotFound
from jobs_dashboard.actions import schedules as actions
from jobs_dashboard.queries import schedules

from .door import actor_of
from .render import live_page
from .replies import Toast, after_action, part


def schedule_list(request: HttpRequest) -> HttpResponse:
    context = {"schedules": schedules.schedule_rows()}
    return live_page(request, "schedules/list", context, section="schedules", every_s=15)


def enable(request: HttpRequest, key: str) -> HttpResponse:
    actions.switch(actor_of(request), key, enabled=True)
    return _after(request, key, Toast(f"Schedule {key} is on; what it missed stays missed."))


def disable(request: HttpRequest, key: str) -> HttpResponse:
    actions.switch(actor_of(request), key, enabled=False)
    return _after(request, key, Toast(f"Schedule {key} is off: it makes no more jobs."))


def run_now(request: HttpRequest, key: str) -> HttpResponse:
    ref = actions.run_now(actor_of(request), key)
    link = reverse("jobs:job", kwargs={"id": str(ref)})
    return _after(request, key, Toast(f"Schedule {key} runs now, as one job beside its ticks.", link=link))


def _after(request: HttpRequest, key: str, toast: Toast) -> HttpResponse:
    return after_action(request, toast, fresh=lambda status: _row(request, key, status))


def _row(request: HttpRequest, key: str, status: int) -> HttpResponse:
    row = schedules.schedule_row(key)
    if row is None:
        raise JobNotFound("this schedule was removed")
    return part(request, "schedules/row.html", {"row": row}, status)
