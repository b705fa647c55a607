"""Delays between tries, with the figures of the feature table."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from core.model.retry import Retry


def delays(retry: Retry, count: int, chance: float = 0.0) -> list[float]:
    return [retry.delay_ms(n, chance) / 1000 for n in range(1, count + 1)]


def test_by_default_it_doubles_from_a_minute_up_to_five() -> None:
    assert delays(Retry(), 5) == [60, 120, 240, 300, 300]


def test_linear_grows_by_its_base_up_to_the_cap() -> None:
    assert delays(Retry(backoff="linear", base=50, cap=timedelta(seconds=120)), 4) == [50, 100, 120, 120]


def test_none_tries_again_at_once() -> None:
    assert delays(Retry(backoff="none"), 3, chance=0.99) == [0, 0, 0]


def test_a_multiplier_of_one_keeps_the_distance() -> None:
    assert delays(Retry(base=7, multiplier=1), 3) == [7, 7, 7]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_jitter_only_adds_and_at_most_a_tenth(failures: int, chance: float) -> None:
    plain = Retry(jitter="none").delay_ms(failures, chance)
    assert plain <= Retry().delay_ms(failures, chance) <= round(plain * 1.1)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_full_jitter_never_waits_longer_than_the_delay(failures: int, chance: float) -> None:
    assert 0 <= Retry(jitter="full").delay_ms(failures, chance) <= Retry(jitter="none").delay_ms(failures, chance)


def test_it_survives_being_stored() -> None:
    retry = Retry(max_attempts=7, backoff="linear", base=1.5, cap=9, jitter="none")
    assert Retry.from_data(retry.as_data(), max_attempts=7) == retry


@pytest.mark.parametrize(
    "wrong",
    [{"max_attempts": 0}, {"backoff": "fibonacci"}, {"jitter": "much"}, {"base": -1}, {"cap": -1}, {"multiplier": 0.5}],
)
def test_a_wrong_policy_is_refused_where_it_is_written(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"Retry"):
        Retry(**wrong)  # type: ignore[arg-type]
