"""How values look: states, numbers, times and durations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core.model.states import EFFECTS, Effect, State, Verb
from jobs_dashboard.queries import payload

from .icons import svg

register = template.Library()

GLYPHS: Final[dict[str, str]] = {
    State.HELD: "◫",
    State.PENDING: "○",
    State.SCHEDULED: "◷",
    State.RUNNING: "▶",
    State.FAILED: "↻",
    State.COMPLETED: "✓",
    State.DEAD: "✕",
    State.CANCELLED: "⊘",
    "paused": "‖",
}
WORDS: Final[dict[str, str]] = {State.DEAD: "Dead letter"}
MEANINGS: Final[dict[str, str]] = {
    State.HELD: "waits for a limit, or for a worker that knows its task",
    State.PENDING: "ready, waiting for a worker",
    State.SCHEDULED: "due later, never tried",
    State.RUNNING: "being worked on now",
    State.FAILED: "waiting for another try",
    State.COMPLETED: "finished, as far back as is kept",
    State.DEAD: "gave up",
    State.CANCELLED: "stopped by a person or by code",
}
EMPTY: Final[dict[str, str]] = {
    State.PENDING: "Nothing waits for a worker.",
    State.RUNNING: "Nothing is being worked on at this moment.",
    State.FAILED: "No job waits for another try.",
    State.DEAD: "Nothing has given up. A job comes here when its tries are used up, or when it says that trying again "
    "would not help.",
    State.SCHEDULED: "No job is due later. A job with a delay, or for a certain time, waits here.",
    State.HELD: "No job waits for a limit or for a worker that knows its task.",
    State.COMPLETED: "Nothing has finished within what is kept.",
    State.CANCELLED: "Nobody has cancelled a job.",
}
CONSEQUENCES: Final[dict[str, str]] = {
    Verb.RETRY: "Each becomes pending and runs as soon as a worker is free.",
    Verb.CANCEL: "Each ends cancelled; a running one is asked to stop.",
    Verb.DISCARD: "Each ends cancelled, with the reason “discarded”. Retry brings it back.",
}
PROMISES: Final[dict[Effect, str]] = {
    Effect.RUN_NOW: "Run it now, its attempts count as before",
    Effect.RUN_AFRESH: "Run it again, with its full number of tries",
    Effect.COPY: "Run it again as a new job",
    Effect.CANCEL: "It ends cancelled; retry brings it back",
    Effect.ASK: "Ask the running attempt to stop",
    Effect.CONFLICT: "",
}
_STEPS = ((172_800, 86_400, "d"), (3_600, 3_600, "h"), (60, 60, "min"))


@register.filter
def glyph(state: str) -> str:
    return GLYPHS[state]


@register.filter
def word(state: str) -> str:
    """A state's name as a heading or a badge shows it."""
    return WORDS.get(state) or str(state).capitalize()


@register.filter
def meaning(state: str) -> str:
    return MEANINGS[state]


@register.filter
def emptiness(state: str) -> str:
    """What it means that no job is in a state."""
    return EMPTY[state]


@register.filter
def consequence(verb: str) -> str:
    return CONSEQUENCES[verb]


@register.filter
def promise(verb: str, state: str) -> str:
    """What a button will do to a job in this state."""
    return PROMISES[EFFECTS[Verb(verb)][State(state)]]


@register.inclusion_tag("jobs_dashboard/parts/badge.html")
def badge(state: str) -> dict[str, str]:
    """A state as glyph, word and colour."""
    return {"state": state, "glyph": GLYPHS[state], "word": word(state)}


@register.simple_tag
def icon(name: str) -> SafeString:
    return mark_safe(svg(name))  # noqa: S308 - a constant


@register.filter
def grouped(number: int | None) -> str:
    """1234567 as 1,234,567."""
    return "" if number is None else f"{number:,}"


@register.simple_tag
def ago(at_ms: int) -> SafeString | str:
    """A past time as its age, the exact time behind it."""
    return _moment(at_ms, "ago", f"{spoken((now_ms() - at_ms) // 1000)} ago")


@register.simple_tag
def due(at_ms: int) -> SafeString | str:
    """A time ahead, or how long it is overdue."""
    left = at_ms - now_ms()
    return _moment(at_ms, "due", f"in {spoken(left // 1000)}" if left > 0 else f"{spoken(-left // 1000)} overdue")


@register.simple_tag
def since(at_ms: int) -> SafeString | str:
    """How long something has lasted."""
    return _moment(at_ms, "since", spoken((now_ms() - at_ms) // 1000))


@register.simple_tag
def exact(at_ms: int) -> SafeString | str:
    """A time to the second, in the viewer's zone."""
    if not at_ms:
        return "–"
    shown = _local(at_ms).strftime("%-d %b %Y, %H:%M:%S")
    return format_html('<time datetime="{}">{}</time>', _utc(at_ms).isoformat(), shown)


@register.filter
def visible(text: object) -> str:
    """What people wrote, with everything spelt out that a browser would obey and nobody would see."""
    return payload.visible(str(text))


@register.filter
def lasted(duration_ms: int | None) -> str:
    """A duration as short as it can be said without lying."""
    if duration_ms is None or duration_ms < 0:
        return "–"
    if duration_ms < 1_000:
        return f"{duration_ms} ms"
    if duration_ms < 60_000:
        return f"{duration_ms / 1000:.1f} s"
    return f"{duration_ms // 60_000} min {duration_ms // 1000 % 60} s"


@register.filter
def megabytes(size: int) -> str:
    return f"{size / 1_048_576:,.0f} MB" if size else "–"


@register.filter
def of(values: Mapping[str, int], name: str) -> int:
    """A number by its name; 0 when it is not there."""
    return values.get(name, 0)


@register.filter
def short_id(public_id: str) -> str:
    """The middle of an id, which is what differs between neighbours (the end is the same for a whole process)."""
    queue, _, text = public_id.partition("~")
    return f"{queue}~…{text[5:14]}…" if text else public_id


@register.filter
def as_ms(at: datetime | None) -> int:
    return int(at.timestamp() * 1000) if at else 0


def spoken(seconds: int) -> str:
    """Seconds in the largest unit that fits; live.js says it the same way."""
    seconds = max(0, int(seconds))
    for least, unit, name in _STEPS:
        if seconds >= least:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _moment(at_ms: int, kind: str, words: str) -> SafeString | str:
    if not at_ms:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}" data-ms="{}" data-kind="{}">{}</time>',
        _utc(at_ms).isoformat(timespec="milliseconds"),
        _local(at_ms).strftime("%Y-%m-%d %H:%M:%S %Z"),
        at_ms,
        kind,
        words,
    )


def _utc(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC)


def _local(at_ms: int) -> Any:
    return timezone.localtime(_utc(at_ms))
