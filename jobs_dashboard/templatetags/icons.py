"""The dashboard's icons: 20 by 20, drawn with one stroke, in the text's colour."""

from __future__ import annotations

from typing import Final

PATHS: Final[dict[str, str]] = {
    "brand": "M4 16V9M10 16V4M16 16v-4",
    "overview": "M3 11.5 10 4l7 7.5M5.5 9.5V16h9V9.5",
    "queues": "M4 5h12M4 10h12M4 15h7",
    "jobs": "M4 4h12v12H4zM7 10l2.2 2.2L13 8",
    "dead": "M6 6l8 8M14 6l-8 8M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15z",
    "schedules": "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6.5V10l2.5 2",
    "workers": "M3 5h14v9H3zM7 17h6M7 8.5l1.5 1.5L7 11.5M10.5 11.5H13",
    "audit": "M5 3h7l3 3v11H5zM8 9h4M8 12h4",
}


def svg(name: str) -> str:
    """The markup of an icon; it says nothing to a screen reader, its neighbour does."""
    return (
        '<svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.5" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="{PATHS[name]}"/></svg>'
    )
