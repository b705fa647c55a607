"""The engine's settings: frozen, read once at the edge; explicit argument > environment > JOBS setting > default."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any

from .errors import ConfigError

Source = str  # "argument", "environment", "setting", "profile" or "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting of the engine. `sources` tells where each one that is not a default came from."""

    backend_url: str = "memory://"
    enabled: bool = True
    worker_count: int = 4
    max_retries: int = 3
    retry_backoff: timedelta = timedelta(seconds=60)
    max_crashes: int = 3  # deaths of a process with a job alone in it, after which the job is dead
    timeout: timedelta = timedelta(seconds=300)
    lease: timedelta = timedelta(seconds=30)
    poll_interval: timedelta = timedelta(seconds=0.1)
    grace: timedelta = timedelta(seconds=25)
    batch: int = 100
    redis_max_connections: int = 50
    partitions: Mapping[str, int] = field(default_factory=dict)  # how many each hot queue is split into
    task_modules: tuple[str, ...] = ()
    on_commit: bool = True  # a job of a Django transaction waits for its commit, or joins it
    outbox: bool = False  # and is kept in a table of Django's until its store has it
    health_pending_degraded: int = 10_000
    health_oldest_degraded: timedelta = timedelta(minutes=15)
    health_dead_degraded: int = 1_000
    log_jobs: bool = False
    code_version: str = ""  # what workers show of the application they run
    journal_completed: float = 1.0  # the fraction of completed attempts that the journal carries
    sources: Mapping[str, Source] = field(default_factory=dict, compare=False)

    @property
    def max_attempts(self) -> int:
        """Runs in all: the first and the retries."""
        return 1 + self.max_retries


@dataclass(frozen=True, slots=True)
class _Setting:
    field: str
    variable: str
    read: Callable[[str], Any]
    form: str  # what a right value looks like, for the sentence that refuses a wrong one


def _boolean(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}[
        text.strip().lower()
    ]


def _at_least(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if number < least:
            raise ValueError
        return number

    return read


def _seconds(text: str) -> timedelta:
    seconds = float(text)
    if not 0 < seconds <= 31_536_000:
        raise ValueError
    return timedelta(seconds=seconds)


def _lease(text: str) -> timedelta:
    """Shorter ones would run out between two looks of whoever renews them."""
    lease = _seconds(text)
    if lease < timedelta(seconds=1):
        raise ValueError
    return lease


def _fraction(text: str) -> float:
    fraction = float(text)
    if not 0 <= fraction <= 1:
        raise ValueError
    return fraction


def _short(text: str) -> str:
    if len(text) > 40 or not text.isprintable():
        raise ValueError
    return text.strip()


def _partitions(text: str) -> dict[str, int]:
    """`mail=4, hot=8`."""
    counts = {}
    for each in _names(text):
        queue, mark, count = each.partition("=")
        if not mark or "@" in queue or not 1 <= int(count) <= 1_000:
            raise ValueError
        counts[queue.strip()] = int(count)
    return counts


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


_SECONDS = "a number of seconds above 0"
_SETTINGS = (
    _Setting("backend_url", "JOBS_BACKEND_URL", str.strip, "a URL such as redis://localhost:6379/0"),
    _Setting("enabled", "JOBS_ENABLED", _boolean, "true or false"),
    _Setting("worker_count", "JOBS_WORKER_COUNT", _at_least(1), "a whole number from 1 on"),
    _Setting("max_retries", "JOBS_MAX_RETRIES", _at_least(0), "a whole number from 0 on"),
    _Setting("retry_backoff", "JOBS_RETRY_BACKOFF_SECONDS", _seconds, _SECONDS),
    _Setting("max_crashes", "JOBS_MAX_CRASHES", _at_least(1), "a whole number from 1 on"),
    _Setting("timeout", "JOBS_TIMEOUT_SECONDS", _seconds, _SECONDS),
    _Setting("lease", "JOBS_LEASE_SECONDS", _lease, "a number of seconds from 1 on"),
    _Setting("poll_interval", "JOBS_POLL_INTERVAL_SECONDS", _seconds, _SECONDS),
    _Setting("grace", "JOBS_GRACE_SECONDS", _seconds, _SECONDS),
    _Setting("batch", "JOBS_BATCH", _at_least(1), "a whole number from 1 on"),
    _Setting("redis_max_connections", "JOBS_REDIS_MAX_CONNECTIONS", _at_least(1), "a whole number from 1 on"),
    _Setting("partitions", "JOBS_PARTITIONS", _partitions, "queues with their numbers, such as mail=4,hot=8"),
    _Setting("task_modules", "JOBS_TASK_MODULES", _names, "module names with commas between"),
    _Setting("on_commit", "JOBS_ON_COMMIT", _boolean, "true or false"),
    _Setting("outbox", "JOBS_OUTBOX", _boolean, "true or false"),
    _Setting("health_pending_degraded", "JOBS_HEALTH_PENDING_DEGRADED", _at_least(1), "a whole number from 1 on"),
    _Setting("health_oldest_degraded", "JOBS_HEALTH_OLDEST_DEGRADED_SECONDS", _seconds, _SECONDS),
    _Setting("health_dead_degraded", "JOBS_HEALTH_DEAD_DEGRADED", _at_least(1), "a whole number from 1 on"),
    _Setting("log_jobs", "JOBS_LOG_JOBS", _boolean, "true or false"),
    _Setting("code_version", "JOBS_CODE_VERSION", _short, "at most 40 characters"),
    _Setting("journal_completed", "JOBS_JOURNAL_COMPLETED", _fraction, "a fraction from 0 to 1"),
)

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "development": {"worker_count": 2, "batch": 5, "timeout": timedelta(seconds=60)},
    "production": {"worker_count": os.cpu_count() or 1, "batch": 10, "timeout": timedelta(seconds=300)},
}


def read_config(
    *,
    environment: Mapping[str, str] = os.environ,
    settings: Mapping[str, Any] | None = None,
    default_url: str = "memory://",
    **arguments: Any,
) -> Config:
    """Settle every setting; raises ConfigError with one sentence that names the wrong one.

    settings: Django's JOBS, by field name in upper or lower case ("WORKER_COUNT"). arguments: by field name; None
    means "not given". When no backend URL is given, REDIS_URL counts, then default_url.
    """
    values: dict[str, Any] = {"backend_url": default_url}
    sources: dict[str, Source] = {}

    def take(found: Mapping[str, Any], source: Source) -> None:
        values.update(found)
        sources.update(dict.fromkeys(found, source))

    given = {name.lower(): value for name, value in (settings or {}).items()}
    take(_profile(environment.get("JOBS_PROFILE") or given.pop("profile", "")), "profile")
    if environment.get("REDIS_URL"):
        take({"backend_url": environment["REDIS_URL"]}, "environment")
    take(_checked(given, "JOBS setting"), "setting")
    present = [s for s in _SETTINGS if environment.get(s.variable, "") != ""]
    take({s.field: _read(s, environment[s.variable]) for s in present}, "environment")
    take(_checked({name: value for name, value in arguments.items() if value is not None}, "argument"), "argument")
    return replace(Config(**values), sources=sources)


def variables() -> dict[str, str]:
    """The environment variable of each field, for `check` and the docs."""
    return {setting.field: setting.variable for setting in _SETTINGS}


def _profile(name: str) -> Mapping[str, Any]:
    if name and name not in PROFILES:
        raise ConfigError(f"JOBS_PROFILE is {name!r}: give {' or '.join(PROFILES)}, or nothing")
    return PROFILES[name] if name else {}


def _read(setting: _Setting, text: str) -> Any:
    try:
        return setting.read(text)
    except (ValueError, KeyError):
        raise ConfigError(f"{setting.variable} is {text!r}: give {setting.form}") from None


def _checked(given: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Values from code: plain numbers and texts go through the same readers as the environment's."""
    by_field = {setting.field: setting for setting in _SETTINGS}
    kinds = {f.name: f.type for f in fields(Config)}
    checked = {}
    for name, value in given.items():
        if name not in by_field:
            raise ConfigError(f"{source} {name!r} is not known: one of {', '.join(sorted(by_field))}")
        if kinds[name] == "timedelta" and isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, Mapping):
            value = [f"{queue}={count}" for queue, count in value.items()]
        if isinstance(value, list | tuple):
            value = ",".join(value)
        try:
            checked[name] = by_field[name].read(str(value))
        except (ValueError, KeyError):
            raise ConfigError(f"{source} {name} is {value!r}: give {by_field[name].form}") from None
    return checked
