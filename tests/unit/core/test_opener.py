"""From a URL to a store: what is refused, in one sentence, and what is imported beforehand."""

import subprocess
import sys
from typing import Any

import pytest

from core.backends.memory.backend import MemoryBackend
from core.backends.opener import is_transactional, open_backend, preload, wing_of
from core.backends.postgres.backend import PostgresBackend
from core.backends.redis.backend import RedisBackend
from core.backends.sqlite.backend import SqliteBackend
from core.errors import ConfigError


@pytest.mark.parametrize("url", ["", "mysql://host/db", "redis", "/var/jobs.db", "Redis://x"])
def test_a_url_of_no_store_lists_the_known_ones(url: str) -> None:
    with pytest.raises(ConfigError, match="JOBS_BACKEND_URL.*redis://"):
        open_backend(url)


def test_schemes_name_their_store() -> None:
    assert [wing_of(f"{scheme}://x") for scheme in ("memory", "sqlite", "redis", "rediss", "unix")] == [
        "memory", "sqlite", "redis", "redis", "redis"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("url", "store"),
    [
        ("memory://", MemoryBackend), ("sqlite:///x", SqliteBackend),
        ("redis://x", RedisBackend), ("postgres://x/y", PostgresBackend),
    ],
)  # fmt: skip
def test_what_is_known_of_transactions_beforehand_is_what_the_store_says(url: str, store: Any) -> None:
    assert is_transactional(url) is store.features.transactional


def test_preloading_imports_the_driver_and_connects_to_nothing() -> None:
    preload("redis://127.0.0.1:1/0")
    code = "import sys, core.backends.opener as o; o.preload('memory://'); assert 'redis' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
