"""From a URL to a store: what is refused, in one sentence, and what is imported beforehand."""

import subprocess
import sys

import pytest

from core.backends.opener import open_backend, preload, wing_of
from core.errors import ConfigError


@pytest.mark.parametrize("url", ["", "mysql://host/db", "redis", "/var/jobs.db", "Redis://x"])
def test_a_url_of_no_store_lists_the_known_ones(url: str) -> None:
    with pytest.raises(ConfigError, match="JOBS_BACKEND_URL.*redis://"):
        open_backend(url)


def test_schemes_name_their_store() -> None:
    assert [wing_of(f"{scheme}://x") for scheme in ("memory", "sqlite", "redis", "rediss", "unix")] == [
        "memory", "sqlite", "redis", "redis", "redis"
    ]  # fmt: skip


def test_preloading_imports_the_driver_and_connects_to_nothing() -> None:
    preload("redis://127.0.0.1:1/0")
    code = "import sys, core.backends.opener as o; o.preload('memory://'); assert 'redis' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
