"""The dashboard as a Django app: at start it reads the settings, wires the engine and finds the tasks."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings

from core.tasks.registry import registry

from .log_format import configure_unless_configured


class JobsDashboardConfig(AppConfig):
    name = "jobs_dashboard"
    verbose_name = "Jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here because what they import wants the app registry to be complete.
        from . import checks  # noqa: F401
        from .bridge.configuration import configuration
        from .bridge.discovery import discover_tasks, zone_schedules
        from .bridge.duties import DUTIES
        from .bridge.wiring import wire

        configure_unless_configured()
        config = configuration()
        wire(DUTIES)
        discover_tasks(config.task_modules)
        zone_schedules(registry, settings.TIME_ZONE)
