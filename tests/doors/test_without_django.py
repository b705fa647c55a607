"""`python -m core worker`: the engine in an application that knows no Django."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHOP = """
from core.app import Jobs
from core.tasks.declare import task

@task(name="add")
def add(a: int, b: int) -> int:
    jobs.state.append(a)
    return a + b

jobs = Jobs({url!r}, state=[])
memory = 7
"""
SEND = "import sys, shop; [shop.add.enqueue(n, 1) for n in range(20)]; assert 'django' not in sys.modules"
READ = "import shop; print(sorted(job.result for job in shop.jobs.recent(limit=50)))"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP.format(url=f"sqlite:///{tmp_path}/jobs.db"))
    return tmp_path


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.serial
def test_jobs_run_and_are_read_without_django(shop: Path) -> None:
    assert python(shop, "-c", SEND).returncode == 0
    ran = python(shop, "-m", "core", "worker", "--app", "shop:jobs", "--burst")
    assert ran.returncode == 0, ran.stderr
    assert python(shop, "-c", READ).stdout.strip() == str(list(range(1, 21)))


@pytest.mark.parametrize(
    ("app", "told"), [("shop:nothing", "has no attribute"), ("shop:memory", "not a Jobs"), ("shopp:jobs", "No module")]
)
def test_a_wrong_app_is_one_sentence(shop: Path, app: str, told: str) -> None:
    ended = python(shop, "-m", "core", "worker", "--app", app)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_in_memory_is_refused_with_the_way_out(shop: Path) -> None:
    (shop / "shop.py").write_text(SHOP.format(url="memory://"))
    ended = python(shop, "-m", "core", "worker", "--app", "shop:jobs")
    assert ended.returncode == 2
    assert "jobs.start()" in ended.stderr
