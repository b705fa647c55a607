"""Which tasks held jobs wait for is told with a queue's counts."""

from core.model.states import State

from .lab import Lab, end
from .matrix import covers


@covers("counts", State.HELD)
def test_counts_tell_which_tasks_are_awaited(lab: Lab) -> None:
    for task in ("shop.b", "shop.a", "shop.a", "shop.plain"):
        lab.enqueue(task=task)
    claims = lab.claim(4)
    lab.exchange(*[end(claim, State.HELD, held_at=f"task:{claim.task}") for claim in claims[:3]])
    assert list(lab.counts().awaited) == ["shop.a", "shop.b"]
    lab.exchange(want=5, serve=["shop.a"])
    assert list(lab.counts().awaited) == ["shop.b"]


@covers("counts", State.HELD)
def test_a_gate_of_a_limit_is_no_awaited_task(lab: Lab) -> None:
    lab.arrive(State.HELD)
    assert list(lab.counts().awaited) == []
