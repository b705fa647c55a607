"""The engine's settings as Django knows them: environment, then the JOBS setting, then the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.backends.opener import wing_of
from core.config import Config, read_config
from core.errors import ConfigError

DEFAULT_FILE = "jobs.sqlite3"


def configuration(**arguments: Any) -> Config:
    """Every setting, settled; a wrong one is ImproperlyConfigured in one sentence that names it.

    arguments go first, by field name; None means "not given".
    """
    given = getattr(settings, "JOBS", None) or {}
    if not isinstance(given, dict):
        raise ImproperlyConfigured("the setting JOBS is no dict: give JOBS = {'BACKEND_URL': 'redis://…', …}.")
    try:
        config = read_config(settings=given, default_url=default_url(), **arguments)
        if config.backend_url:
            wing_of(config.backend_url)  # a scheme that nobody knows is told at the start, not at the first job
    except ConfigError as error:
        raise ImproperlyConfigured(f"{error}.") from error
    if config.outbox and not config.on_commit:
        raise ImproperlyConfigured(
            "JOBS_OUTBOX keeps jobs until their transaction commits, JOBS_ON_COMMIT=false sends them before: choose."
        )
    return config


def require_shared(config: Config) -> None:
    """Refuse a store that only one process would see: web, commands and workers are several."""
    if not config.backend_url:
        raise ImproperlyConfigured("JOBS_BACKEND_URL is not set and there is no BASE_DIR to keep a file under: set it.")
    if urlsplit(config.backend_url).scheme == "memory":
        raise ImproperlyConfigured(
            "JOBS_BACKEND_URL is memory://, which only this process would see, and not the workers: "
            "give sqlite:///path or redis://…, or run workers inside your own process with Jobs.start()."
        )


def default_url() -> str:
    """A file of its own under the project's var/, by its whole path, so that web and workers mean the same one."""
    folder = getattr(settings, "VAR_DIR", None)
    if folder is None and getattr(settings, "BASE_DIR", None) is not None:
        folder = Path(settings.BASE_DIR) / "var"
    return "" if folder is None else f"sqlite:///{quote(str(Path(folder).absolute() / DEFAULT_FILE))}"


def shown_url(url: str) -> str:
    """A store's URL without its password, to be printed."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return url.partition(":")[0] + "://…"
    return url.replace(f":{password}@", ":…@", 1) if password else url
