"""Every address of this project: the admin, the API, and the dashboard at the root."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("jobs_dashboard.urls")),
]
