"""The dashboard as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class JobsDashboardConfig(AppConfig):
    name = "jobs_dashboard"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"
