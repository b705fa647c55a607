"""What an isolated task may use, as declarations say it."""

from datetime import timedelta

import pytest

from core.errors import ConfigError
from core.tasks.declare import task
from core.tasks.quota import cpu_seconds, memory_bytes
from core.tasks.registry import Registry

MB = 1 << 20


@pytest.mark.parametrize(
    ("limit", "found"),
    [
        ("512MB", 512 * MB),
        ("512 MiB", 512 * MB),
        ("512m", 512 * MB),
        ("1.5 GB", 1536 * MB),
        ("65536K", 64 * MB),
        (64 * MB, 64 * MB),
        (str(64 * MB), 64 * MB),
        ("", 0),
        (0, 0),
    ],
)
def test_memory_is_bytes_or_a_text_with_a_unit(limit: str | int, found: int) -> None:
    assert memory_bytes(limit) == found


@pytest.mark.parametrize("limit", ["lots", "512XB", "-1MB", "1e3MB", "1MB", -1, 1024, True, 1.5, None, "512MB 3"])
def test_anything_else_is_refused_with_the_form(limit: str | int) -> None:
    with pytest.raises(ConfigError, match="such as '512MB', from 16MB on"):
        memory_bytes(limit)


def test_cpu_time_is_whole_seconds_rounded_up() -> None:
    assert [cpu_seconds(limit) for limit in (None, 1, 1.2, timedelta(minutes=2))] == [0, 1, 2, 120]
    with pytest.raises(ConfigError, match="longer than nothing"):
        cpu_seconds(0)


@pytest.mark.parametrize("limit", [{"memory_limit": "512MB"}, {"cpu_limit": 10}])
def test_limits_are_for_isolated_tasks(limit: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="isolated=True"):
        task(registry=Registry(), **limit)(lambda: None)  # type: ignore[call-overload]


def test_a_wrong_limit_is_refused_where_it_is_declared() -> None:
    with pytest.raises(ConfigError, match="memory_limit='much'"):
        task(registry=Registry(), isolated=True, memory_limit="much")(lambda: None)


def test_a_task_knows_its_limits() -> None:
    made = task(name="t", registry=Registry(), isolated=True, memory_limit="64MB", cpu_limit=2.5)(lambda: None)
    assert (made.isolated, made.memory_bytes, made.cpu_s) == (True, 64 * MB, 3)
