"""When schedules fire: expressions, intervals, time zones, daylight saving, what was missed."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import InvalidInput
from core.model.clock import from_ms, moment_ms
from core.model.cron import Daily, Every, Monthly, Weekly, as_when, as_zone, latest_due_ms, next_fire_ms
from core.model.schedule import ScheduleSpec, pack_spec, unpack_spec


def at(text: str) -> int:
    return moment_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def fires(cron: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    spec, moment, found = ScheduleSpec(task="t", cron=cron, timezone=zone), at(after), []
    for _ in range(count):
        moment = next_fire_ms(spec, moment) or 0
        found.append(from_ms(moment).strftime("%Y-%m-%d %H:%M"))
    return found


def test_the_short_forms_are_cron() -> None:
    assert Daily(2, 0).cron == "0 2 * * *"
    assert Weekly("mon", 9, 0).cron == "0 9 * * 1"
    assert Monthly(1, 0, 0).cron == "0 0 1 * *"
    assert Every(minutes=5).every_ms == 300_000


def test_a_weekday_fires_on_it() -> None:
    assert fires(Weekly("mon", 9, 0).cron, "2026-11-22 00:00", 2) == ["2026-11-23 09:00", "2026-11-30 09:00"]


def test_a_day_that_a_month_lacks_is_skipped() -> None:
    assert fires(Monthly(31).cron, "2026-01-31 12:00", 2) == ["2026-03-31 00:00", "2026-05-31 00:00"]


def test_a_fixed_time_fires_once_when_clocks_go_back() -> None:
    assert fires("30 2 * * *", "2026-10-24 12:00", 2, "Europe/Berlin") == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_a_fixed_time_that_spring_skips_fires_once_all_the_same() -> None:
    assert fires("30 2 * * *", "2026-03-28 12:00", 2, "Europe/Berlin") == ["2026-03-29 01:00", "2026-03-30 00:30"]


def test_an_interval_stands_on_the_same_marks_for_every_scheduler() -> None:
    spec = ScheduleSpec(task="t", every_ms=300_000)
    assert next_fire_ms(spec, at("2026-11-22 10:02")) == at("2026-11-22 10:05")
    assert next_fire_ms(spec, at("2026-11-22 10:05")) == at("2026-11-22 10:10")


@pytest.mark.parametrize("spec", [ScheduleSpec(task="t", every_ms=60_000), ScheduleSpec(task="t", cron="* * * * *")])
def test_what_was_missed_is_one_run(spec: ScheduleSpec) -> None:
    last, now = at("2026-11-22 10:00"), at("2026-11-22 10:07") + 30_000
    assert latest_due_ms(spec, last, now) == at("2026-11-22 10:07")
    assert latest_due_ms(spec, at("2026-11-22 10:07"), now) is None


@pytest.mark.parametrize(
    "wrong", ["", "x", "* * * *", "* * * * * *", "0 0 30 2 *", "*/0 * * * *", "1--100000000 * * * *", "60 * * * *",
              "* * * * * " * 1_000, 7, None, "0 0 31 2,4 *"]
)  # fmt: skip
def test_a_wrong_expression_is_refused_soon(wrong: object) -> None:
    began = time.perf_counter()
    with pytest.raises(InvalidInput):
        as_when(wrong)  # type: ignore[arg-type]
    assert time.perf_counter() - began < 0.25  # promised: 50 ms; an allowance of five times


def test_an_interval_below_a_second_is_refused() -> None:
    with pytest.raises(InvalidInput, match="one second"):
        Every(seconds=0.5)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../../etc/passwd", "x" * 1_000])
def test_a_wrong_time_zone_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="no time zone"):
        as_zone(name)


def test_a_definition_survives_being_stored() -> None:
    spec = ScheduleSpec(task="t", cron="0 2 * * *", timezone="Europe/Berlin", arguments={"a": [1]}, options=b"\x80")
    assert unpack_spec(pack_spec(spec)) == spec


@pytest.mark.parametrize("seconds", [0, 0.5, -1, float("nan"), float("inf"), 1e308, 3_661 * 86_400])
def test_an_interval_that_cannot_be_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="at least one second"):
        Every(seconds=seconds)


def test_what_is_no_text_is_no_weekday_and_no_zone() -> None:
    nothing: Any = None
    with pytest.raises(InvalidInput, match="no weekday"):
        Weekly(nothing)
    with pytest.raises(InvalidInput, match="no time zone"):
        as_zone(nothing)
