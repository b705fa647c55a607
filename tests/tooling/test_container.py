"""The container files: linted, valid by the published schema, and started as the container would start them."""

import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tooling.conftest import Checkout

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {
    "JOBS_ENV": "production",
    "SECRET_KEY": "kV9#tLq2" * 8,
    "ALLOWED_HOSTS": "jobs.example.com,localhost",
    "JOBS_BACKEND_URL": "sqlite:///var/jobs.sqlite3",
}


def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def start_command(*arguments: str) -> list[str]:
    """ENTRYPOINT and CMD of the Dockerfile, with this Python in place of the image's."""
    words = {
        name: json.loads(value)
        for name, value in re.findall(r"^(ENTRYPOINT|CMD) (\[.+\])$", dockerfile(), re.MULTILINE)
    }
    entry, default = words["ENTRYPOINT"], words["CMD"]
    assert entry[0] == "python"
    return [sys.executable, *entry[1:], *(arguments or default)]


def start(checkout: Checkout, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        start_command(*arguments),
        cwd=checkout.folder,
        env=checkout.environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return loaded


def test_the_dockerfile_is_linted() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_runs_as_nobody_in_particular() -> None:
    assert re.search(r"^USER [1-9]\d+$", dockerfile(), re.MULTILINE)
    assert "HEALTHCHECK" in dockerfile()


def test_everything_that_is_copied_exists_and_reaches_the_builder() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile(), re.MULTILINE):
        for source in shlex.split(line)[:-1]:
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in allowed, source


def test_compose_is_valid_by_the_published_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_has_one_image_for_web_and_workers_and_a_redis_that_keeps_jobs() -> None:
    services = compose()["services"]
    assert services["web"]["image"] == services["workers"]["image"]
    redis = " ".join(services["redis"]["command"])
    for words in ('--requirepass "$$REDIS_PASSWORD"', "--appendonly yes", "--maxmemory-policy noeviction"):
        assert words in redis
    assert ":?" in services["redis"]["environment"]["REDIS_PASSWORD"]


@pytest.mark.parametrize("name", ["web", "workers", "redis", "migrate"])
def test_every_service_is_closed_and_watched(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name == "web" or service["healthcheck"]  # the web's own is in the image


def test_ports_are_published_on_loopback_only() -> None:
    for service in compose()["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_without_settings_one_sentence_names_those_that_are_missing(checkout: Checkout) -> None:
    done = start(checkout, JOBS_ENV="production")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "JOBS_BACKEND_URL"):
        assert name in done.stderr


def test_the_default_is_production(checkout: Checkout) -> None:
    assert start(checkout).returncode == 2


def test_a_weak_key_is_refused_in_one_sentence(checkout: Checkout) -> None:
    done = start(checkout, **{**SETTINGS, "SECRET_KEY": "secret"})
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "SECRET_KEY" in done.stderr


def test_the_start_command_serves_and_ends_in_order(checkout: Checkout) -> None:
    (checkout.folder / "var").mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    settings = checkout.environment(**SETTINGS, HOST="127.0.0.1", PORT=port)
    assert start(checkout, "migrate", "--no-input", **SETTINGS).returncode == 0
    web = subprocess.Popen(start_command(), cwd=checkout.folder, env=settings, stderr=subprocess.PIPE, text=True)
    try:
        assert until_healthy(checkout, settings), web.poll()
        assert not answers_a_foreign_host(int(port))
    finally:
        web.send_signal(signal.SIGTERM)
        web.communicate(timeout=20)
    assert web.returncode == 0


def until_healthy(checkout: Checkout, settings: dict[str, str]) -> bool:
    """Ask as HEALTHCHECK does, until it says yes."""
    command = [sys.executable, "tools/container/health.py"]
    for _ in range(60):
        asked = subprocess.run(command, cwd=checkout.folder, env={**os.environ, **settings}, capture_output=True)
        if asked.returncode == 0:
            return True
        time.sleep(0.25)
    return False


def answers_a_foreign_host(port: int) -> bool:
    """Whether somebody who asks for another host is let in."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    link.request("GET", "/", headers={"Host": "evil.example.org"})
    return link.getresponse().status != 400
