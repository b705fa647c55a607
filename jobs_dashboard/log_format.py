"""How log lines look: one line an event, through structlog, for people or as JSON."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.model.masking import MASK, names_a_secret, without_secrets

# Control characters could move a terminal's cursor or forge a second line, bidirectional marks reorder one.
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_MANY_LINES: Final = frozenset({"exception", "stack"})  # made here from a traceback, meant to be read as one


def on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escape what would not stay inside its own line."""
    for key, value in event.items():
        if isinstance(value, str) and key not in _MANY_LINES:
            event[key] = harmless(value)
    return event


def mask_names(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace texts under names such as password."""
    for key, value in event.items():
        if isinstance(value, str) and names_a_secret(key):
            event[key] = MASK
    return event


def mask_line(_logger: WrappedLogger, _method: str, line: Any) -> Any:
    """Replace what can be known for a secret by its form, in the finished line: tracebacks are part of it by now."""
    return without_secrets(line) if isinstance(line, str) else line


def without_what_django_adds(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out the request as an object and runserver's second time: the line names method, path and status."""
    if not isinstance(event.get("request", ""), str):
        del event["request"]
    event.pop("server_time", None)
    return event


def harmless(text: str) -> str:
    """Text with everything escaped that would not stay in its place on a line."""
    return _UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def logging_settings(*, format: str, level: str) -> dict[str, Any]:
    """Django's LOGGING: everything, structlog's or the standard library's, leaves by one handler in one form."""
    for_people = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    renderer: Processor = structlog.processors.JSONRenderer() if format == "json" else for_people
    finish: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_names, on_one_line]
    if format == "json":
        finish.append(structlog.processors.format_exc_info)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structlog": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [*finish, renderer, mask_line],
                "foreign_pre_chain": [*_shared(), structlog.stdlib.ExtraAdder(), without_what_django_adds],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own handlers would write each line a second time.
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            "axes": {"level": "WARNING"},
        },
    }


def configure_structlog() -> None:
    """Send structlog's events through the standard library, where levels and handlers are decided."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def configure_unless_configured() -> None:
    """In a project that has no wishes of its own: to stderr, from INFO on. By itself structlog writes to stdout, into
    the middle of what commands print for programs."""
    if not structlog.is_configured():
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
