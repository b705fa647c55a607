"""What one call costs a Redis server by its own account, once the timed rounds are over: the counterpart of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis import Redis

_SLOW_LOG = 10_000


@dataclass(frozen=True)
class Cost:
    """Of one call of a verb: trips' worth of scripts, commands in them, and the server's time in microseconds."""

    what: str
    scripts: float
    commands: float
    script_us: float  # of all its scripts
    slowest_us: int  # script of the call


def cost(url: str, what: str, act: Callable[[], object], *, calls: int = 1) -> Cost:
    """Act, while the server notes everything. calls: of the verb, in one act."""
    with Redis.from_url(url, protocol=2) as server:
        server.config_set("slowlog-max-len", _SLOW_LOG)
        server.config_set("slowlog-log-slower-than", 0)
        server.config_resetstat()
        server.slowlog_reset()
        try:
            act()
            stats: dict[str, Any] = server.info("commandstats")
            slow = [entry["duration"] for entry in server.slowlog_get(_SLOW_LOG) if b"EVALSHA" in entry["command"]]
        finally:
            server.config_set("slowlog-log-slower-than", 10_000)
    ours = {name: entry for name, entry in stats.items() if not name.startswith(("cmdstat_config", "cmdstat_slowlog"))}
    scripts = ours.pop("cmdstat_evalsha", {"calls": 0, "usec": 0})
    commands = sum(entry["calls"] for entry in ours.values())
    return Cost(what, scripts["calls"] / calls, commands / calls, scripts["usec"] / calls, max(slow, default=0))


def as_markdown(costs: list[Cost]) -> str:
    lines = [
        "| a call of | scripts | commands in them | us of the server | us of the slowest script |",
        "|---|---|---|---|---|",
    ]
    for entry in costs:
        numbers = f"{entry.scripts:.1f} | {entry.commands:.1f} | {entry.script_us:,.0f} | {entry.slowest_us:,}"
        lines.append(f"| {entry.what} | {numbers} |")
    return "\n".join(lines)
