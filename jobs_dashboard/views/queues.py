"""Queues: all of them, one of them, and whether they are paused."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from jobs_dashboard.actions import queues as actions
from jobs_dashboard.forms.queues import read_name, read_reason
from jobs_dashboard.queries import queues

from .door import actor_of
from .render import live_page
from .replies import Toast, after_action, part


def queue_list(request: HttpRequest) -> HttpResponse:
    return live_page(request, "queues/list", {"queues": queues.queue_rows()}, section="queues", every_s=2)


def queue(request: HttpRequest, name: str) -> HttpResponse:
    return _queue_page(request, read_name(name), 200)


def pause(request: HttpRequest, name: str) -> HttpResponse:
    queues.queue_detail(read_name(name))  # 404 for one that never was
    actions.pause(actor_of(request), name, reason=read_reason(request.POST))
    return _after(request, name, f"Queue {name} is paused: what runs goes on, nothing new starts.")


def resume(request: HttpRequest, name: str) -> HttpResponse:
    queues.queue_detail(read_name(name))
    actions.resume(actor_of(request), name)
    return _after(request, name, f"Queue {name} is open again.")


def _after(request: HttpRequest, name: str, sentence: str) -> HttpResponse:
    fresh = _row if request.headers.get("HX-Target", "").startswith("queue-") else _queue_page
    return after_action(request, Toast(sentence), fresh=lambda status: fresh(request, name, status))


def _queue_page(request: HttpRequest, name: str, status: int) -> HttpResponse:
    url = reverse("jobs:queue", kwargs={"name": name})
    context = {"queue": queues.queue_detail(name)}
    return live_page(request, "queues/detail", context, section="queues", every_s=2, status=status, url=url)


def _row(request: HttpRequest, name: str, status: int) -> HttpResponse:
    return part(request, "queues/row.html", {"row": queues.queue_detail(name).row}, status)
