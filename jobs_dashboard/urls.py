"""The dashboard's addresses, in the namespace `jobs`; the door before each says who may use it."""

from __future__ import annotations

from django.urls import path, re_path

from .views import account, audit, health, jobs, overview, queues, schedules, workers
from .views.door import administrator, open_to_all, operator, own, reader

app_name = "jobs"

_VERB = r"(?P<verb>retry|cancel|discard)"

urlpatterns = [
    path("livez", open_to_all(health.livez), name="livez"),
    path("readyz", open_to_all(health.readyz), name="readyz"),
    path("healthz", open_to_all(health.healthz), name="healthz"),
    path("login/", open_to_all(account.login, "GET", "HEAD", "POST"), name="login"),
    path("logout/", own(account.logout), name="logout"),
    path("display/", own(account.display), name="display"),
    path("", reader(overview.overview), name="overview"),
    path("jobs/", reader(jobs.job_list), name="jobs"),
    re_path(rf"^jobs/selected/{_VERB}/$", operator(jobs.act_on_selected), name="act_on_selected"),
    path("jobs/<str:id>/", reader(jobs.job), name="job"),
    re_path(rf"^jobs/(?P<id>[^/]+)/{_VERB}/$", operator(jobs.act), name="act"),
    path("queues/", reader(queues.queue_list), name="queues"),
    path("queues/<str:name>/", reader(queues.queue), name="queue"),
    path("queues/<str:name>/pause/", operator(queues.pause), name="pause"),
    path("queues/<str:name>/resume/", operator(queues.resume), name="resume"),
    path("schedules/", reader(schedules.schedule_list), name="schedules"),
    path("schedules/<path:key>/enable/", operator(schedules.enable), name="enable"),
    path("schedules/<path:key>/disable/", operator(schedules.disable), name="disable"),
    path("schedules/<path:key>/run/", operator(schedules.run_now), name="run_now"),
    path("workers/", reader(workers.worker_list), name="workers"),
    path("workers/<str:id>/quiet/", administrator(workers.quiet), name="quiet"),
    path("workers/<str:id>/stop/", administrator(workers.stop), name="stop"),
    path("audit/", reader(audit.audit), name="audit"),
]
