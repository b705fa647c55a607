"""The lock files hold what the requirements ask for, with hashes, and nothing of the machine they were made on."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==([^\s;]+)", re.MULTILINE)
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-servers.lock")


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("source", "lock"),
    [
        ("requirements.txt", "requirements.lock"),
        ("requirements.txt", "requirements-dev.lock"),
        ("requirements-dev.txt", "requirements-dev.lock"),
        ("requirements-servers.txt", "requirements-servers.lock"),
    ],
)
def test_what_is_asked_for_is_locked(source: str, lock: str) -> None:
    assert pins(source) <= pins(lock)


def test_what_runs_is_what_was_tested() -> None:
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes(lock: str) -> None:
    for entry in re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text(encoding="utf-8"))[1:]:
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_of_a_machine_is_in_a_lock(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    assert not re.search(r"(?:^|\s)/\w", text)


def test_every_direct_requirement_is_pinned_exactly() -> None:
    for source in ("requirements.txt", "requirements-dev.txt", "requirements-servers.txt"):
        for line in (ROOT / source).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r ")):
                assert PIN.match(line), f"{source}: {line}"
