"""Where settings come from, which wins, and how a wrong one is refused."""

from datetime import timedelta

import pytest

from core.config import Config, read_config, variables
from core.errors import ConfigError
from core.model.retention import Keep


def test_the_defaults_are_those_of_the_feature_table() -> None:
    config = read_config(environment={})
    assert (config.worker_count, config.max_retries, config.max_attempts) == (4, 3, 4)
    assert config.retry_backoff == timedelta(seconds=60)
    assert (config.timeout, config.lease) == (timedelta(seconds=300), timedelta(seconds=30))
    assert (config.poll_interval, config.redis_max_connections) == (timedelta(seconds=0.1), 50)
    assert (config.enabled, config.log_jobs, config.health_pending_degraded) == (True, False, 10_000)


def test_argument_beats_environment_beats_setting_beats_default() -> None:
    environment, settings = {"JOBS_WORKER_COUNT": "7"}, {"WORKER_COUNT": 6, "MAX_RETRIES": 5}
    assert read_config(environment=environment, settings=settings, worker_count=8).worker_count == 8
    config = read_config(environment=environment, settings=settings)
    assert (config.worker_count, config.max_retries) == (7, 5)
    assert dict(config.sources) == {"worker_count": "environment", "max_retries": "setting"}


def test_redis_url_counts_when_no_backend_url_is_given() -> None:
    environment = {"REDIS_URL": "redis://there:1/0"}
    assert read_config(environment=environment, default_url="sqlite:///x").backend_url == "redis://there:1/0"
    both = environment | {"JOBS_BACKEND_URL": "sqlite:///y"}
    assert read_config(environment=both).backend_url == "sqlite:///y"
    assert read_config(environment=environment, settings={"BACKEND_URL": "memory://"}).backend_url == "memory://"


def test_a_profile_sets_several_and_single_settings_override_it() -> None:
    config = read_config(environment={"JOBS_PROFILE": "development", "JOBS_WORKER_COUNT": "9"})
    assert (config.worker_count, config.batch, config.timeout) == (9, 5, timedelta(seconds=60))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JOBS_WORKER_COUNT", "0"), ("JOBS_WORKER_COUNT", "many"), ("JOBS_ENABLED", "perhaps"),
        ("JOBS_TIMEOUT_SECONDS", "-1"), ("JOBS_TIMEOUT_SECONDS", "nan"), ("JOBS_LEASE_SECONDS", "inf"),
        ("JOBS_LEASE_SECONDS", "0.5"),
        ("JOBS_MAX_RETRIES", "1.5"), ("JOBS_PROFILE", "staging"), ("JOBS_JOURNAL_COMPLETED", "2"),
        ("JOBS_CODE_VERSION", "v" * 41),
    ],
)  # fmt: skip
def test_a_wrong_value_is_one_sentence_that_names_it(variable: str, value: str) -> None:
    with pytest.raises(ConfigError, match=variable) as caught:
        read_config(environment={variable: value})
    assert value in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_variable_is_as_if_unset() -> None:
    assert read_config(environment={"JOBS_WORKER_COUNT": "", "REDIS_URL": ""}) == read_config(environment={})


def test_an_unknown_setting_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="worker_cuont.*worker_count"):
        read_config(environment={}, settings={"WORKER_CUONT": 1})


def test_durations_from_code_may_be_timedeltas_or_seconds() -> None:
    assert read_config(environment={}, lease=timedelta(seconds=2)).lease == timedelta(seconds=2)
    assert read_config(environment={}, settings={"LEASE": 2}).lease == timedelta(seconds=2)


def test_every_field_that_may_be_set_has_a_variable() -> None:
    assert set(variables()) == set(Config.__dataclass_fields__) - {"sources"}


def test_a_retention_that_keeps_nothing_is_refused() -> None:
    for count, age in ((0, timedelta(days=1)), (1, timedelta(-1))):
        with pytest.raises(ConfigError, match="keeps at least one"):
            Keep(count, age)
