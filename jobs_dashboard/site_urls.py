"""Every address of this project: the admin, the API, and the dashboard at the root."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("jobs_dashboard.api.urls")),
    path("", include("jobs_dashboard.urls")),
]

handler400 = "jobs_dashboard.views.errors.bad_request"
handler403 = "jobs_dashboard.views.errors.forbidden"
handler404 = "jobs_dashboard.views.errors.not_found"
handler500 = "jobs_dashboard.views.errors.broken"
