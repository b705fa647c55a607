"""The gates of one queue in memory: how many passed, who waits, and when a rate lets the next one pass."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...model.gate import Gate, GateInfo, paid_after, passes_at_us, task_of_gate
from ...model.limits import TOLD_TASKS
from .order import Line, Place


@dataclass(slots=True)
class _Post:
    """One gate, under the numbers of the newest job that came to it."""

    gate: Gate
    used: int = 0
    paid_until_us: int = 0
    waiting: Line = field(default_factory=Line)  # in run order

    @property
    def has_rules(self) -> bool:
        return bool(self.gate.limit or self.gate.interval_us)

    @property
    def has_slot(self) -> bool:
        return not self.gate.limit or self.used < self.gate.limit

    def is_idle(self, now: int) -> bool:
        """Whether it could be made anew as well: an open gate may still owe a part of its burst."""
        return not self.used and not self.waiting and self.paid_until_us <= now * 1000

    @property
    def opens_ms(self) -> int:
        return -(-passes_at_us(self.gate, self.paid_until_us) // 1000)


class Gates:
    """Says who may pass; moving the jobs is the queue's."""

    def __init__(self) -> None:
        self._posts: dict[str, _Post] = {}

    def admit(self, gate: Gate, now: int) -> bool:
        """Whether a job that comes to a gate may pass at once; if so, it has."""
        post = self._posts.setdefault(gate.name, _Post(gate))
        post.gate = gate
        if post.waiting or not post.has_slot or post.opens_ms > now:
            return False
        self.pay(gate.name, now)
        return True

    def first_through(self, name: str, now: int) -> Place | None:
        """The first of those who wait, if it may pass now."""
        post = self._posts[name]
        return post.waiting.first(1)[0] if post.waiting and post.has_slot and post.opens_ms <= now else None

    def pay(self, name: str, now: int) -> None:
        """One more has passed by the rules."""
        post = self._posts[name]
        post.paid_until_us = paid_after(post.gate, post.paid_until_us, now)
        post.used += 1

    def enter(self, gate: Gate, now: int) -> None:
        """One more has passed by order, whatever the rules say."""
        self._post(gate, now).used += 1

    def leave(self, name: str) -> None:
        """One that passed gives its slot back."""
        self._posts[name].used -= 1

    def wait(self, gate: Gate, place: Place, now: int) -> None:
        self._post(gate, now).waiting.add(place)

    def strike(self, name: str, place: Place) -> None:
        """One that waited is gone."""
        self._posts[name].waiting.remove(place)

    def awaiting(self, name: str, count: int) -> list[Place]:
        post = self._posts.get(name)
        return post.waiting.first(count) if post else []

    def awaited_tasks(self) -> list[str]:
        """Tasks that jobs wait for."""
        names = (task_of_gate(name) for name, post in self._posts.items() if post.waiting)
        return sorted(filter(None, names))[:TOLD_TASKS]

    def open_now(self, now: int) -> list[str]:
        """Gates at which somebody waits who may pass now."""
        return [name for name, post in self._free() if post.opens_ms <= now]

    def next_opening(self, now: int) -> int:
        """When the next one passes who waits for nothing but time, or a claim; 0: there is none."""
        return min((max(now, post.opens_ms) for _, post in self._free()), default=0)

    def info(self, name: str, now: int) -> GateInfo | None:
        post = self._posts.get(name)
        if post is None or not (post.used or post.waiting or post.opens_ms > now):
            return None
        next_ms = post.opens_ms if post.opens_ms > now else 0
        return GateInfo(gate=post.gate, used=post.used, waiting=len(post.waiting), next_ms=next_ms)

    def forget_idle(self, now: int) -> None:
        """Gates that nobody has passed or waits at, and whose rate is at rest."""
        self._posts = {name: post for name, post in self._posts.items() if not post.is_idle(now)}

    def _post(self, gate: Gate, now: int) -> _Post:
        """A gate under the numbers it has; an idle one begins anew, so that forgetting it changes nothing."""
        post = self._posts.get(gate.name)
        if post is None or post.is_idle(now):
            post = self._posts[gate.name] = _Post(gate)
        return post

    def _free(self) -> list[tuple[str, _Post]]:
        """Gates with a slot for one who waits. A gate without rules is none of them: it opens for who knows a task."""
        return [(name, post) for name, post in self._posts.items() if post.has_rules and post.waiting and post.has_slot]
