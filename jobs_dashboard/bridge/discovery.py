"""Finds the tasks: every app's `tasks.py`, and the modules named by JOBS_TASK_MODULES."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import replace

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import autodiscover_modules

from core.tasks.registry import Registry


def discover_tasks(modules: Iterable[str]) -> None:
    """Import them; an app without a `tasks.py` is passed over, a named module that is not there is an error."""
    autodiscover_modules("tasks")
    for name in modules:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not name.startswith(error.name):
                raise  # the module is there, and what it imports is not
            raise ImproperlyConfigured(f"JOBS_TASK_MODULES names {name!r}, and there is no such module.") from error


def zone_schedules(registry: Registry, zone: str) -> None:
    """Schedules that name no zone of their own go by the project's."""
    for declaration in registry.schedules():
        if declaration.timezone is None:
            registry.add_schedule(replace(declaration, timezone=zone))
