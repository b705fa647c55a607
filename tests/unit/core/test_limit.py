"""Limits and rates: what a task may say, and the gates that its jobs come to."""

from datetime import timedelta
from typing import Any

import pytest

from core.errors import ConfigError, InvalidArguments
from core.model.gate import Gate
from core.model.limits import MAX_GATE_CHARS
from core.tasks.compose import chain
from core.tasks.declare import task
from core.tasks.limit import Limit, Rate, hour, minute
from core.tasks.registry import Registry
from core.tasks.task import Task


def sends(registry: Registry, **options: Any) -> Task[..., Any]:
    @task(name="send", registry=registry, **options)
    def send(user_id: int = 7, to: str = "ann") -> None:
        """Sends."""

    return send


def gate(registry: Registry, call: dict[str, Any] | None = None, **options: Any) -> Gate:
    made = sends(registry, **options).request(**(call or {})).gate
    assert made is not None
    return made


def test_a_task_without_a_limit_has_no_gate(registry: Registry) -> None:
    assert sends(registry).request().gate is None


def test_a_limit_is_one_gate_for_a_task(registry: Registry) -> None:
    assert gate(registry, limit=Limit(5)) == Gate("limit:send", limit=5)


def test_a_key_makes_a_gate_for_each_value_defaults_included(registry: Registry) -> None:
    send = sends(registry, limit=Limit(5, key="user_id"))
    names = [request.gate.name for request in (send.request(8), send.request()) if request.gate]
    assert names == ["limit:send=8", "limit:send=7"]


def test_a_name_is_shared_between_tasks(registry: Registry) -> None:
    assert gate(registry, {"to": "bob"}, limit=Limit(5, key="to", name="api")).name == "limit:api=bob"


def test_a_long_value_keeps_gates_apart_in_bounded_names(registry: Registry) -> None:
    send = sends(registry, limit=Limit(1, key="to"))
    names = {request.gate.name for end in "xy" if (request := send.request(to="a" * 500 + end)).gate}
    assert len(names) == 2
    assert max(map(len, names)) <= MAX_GATE_CHARS


@pytest.mark.parametrize(
    ("rate", "interval_us", "burst"),
    [
        (Rate(100, per=minute), 600_000, 1),
        (Rate(3, per=hour), 1_200_000_000, 1),
        (Rate(1000), 1_000, 100),
        (Rate(100, per=60.0, burst=20), 600_000, 20),
        (Rate(7, per=timedelta(seconds=1)), 142_858, 1),
    ],
)
def test_a_rate_spreads_starts_evenly(registry: Registry, rate: Rate, interval_us: int, burst: int) -> None:
    assert gate(registry, rate=rate) == Gate("limit:send", interval_us=interval_us, burst=burst)


def test_a_limit_and_a_rate_share_one_gate(registry: Registry) -> None:
    both = {"limit": Limit(2, key="to"), "rate": Rate(10, key="to")}
    assert gate(registry, **both) == Gate("limit:send=ann", limit=2, interval_us=100_000, burst=1)


@pytest.mark.parametrize(
    "options",
    [
        {"limit": Limit(2, key="nobody")},
        {"rate": Rate(2, key="nobody")},
        {"limit": Limit(2, key="to"), "rate": Rate(10)},
    ],
)
def test_a_gate_that_cannot_be_is_refused_where_it_is_declared(registry: Registry, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="task send"):
        sends(registry, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limit(0),
        lambda: Limit(True),
        lambda: Limit(1, name="a b"),
        lambda: Rate(1, per=0),
        lambda: Rate(1, per=timedelta(days=32)),
        lambda: Rate(5, burst=6),
        lambda: Rate(10**7),
    ],
)
def test_numbers_out_of_bounds_are_refused(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_a_later_step_brings_what_its_limit_goes_by(registry: Registry) -> None:
    @task(name="pay", registry=registry, limit=Limit(1, key="user_id"))
    def pay(user_id: int, amount: int) -> None:
        """Pays."""

    step = chain(pay.request(1, 2), pay.request(user_id=3)).as_request().steps[0]
    assert step.gate == Gate("limit:pay=3", limit=1)
    with pytest.raises(InvalidArguments, match="limited by it") as error:
        pay.request(amount=3)
    assert error.value.path == "$.arguments.user_id"
