"""What an editor knows of a task: its arguments without the context, and the type of its result."""

from pathlib import Path

import pytest
from mypy import api

CODE = """
from jobs_dashboard import JobContext, task

@task
def plain(n: int) -> str: return ""
@task(queue="mail")
def with_context(ctx: JobContext, n: int) -> str: return ""
@task
async def awaited(n: int, text: str = "") -> int: return n

reveal_type(plain(1))
reveal_type(plain.enqueue(n=1).result())
reveal_type(with_context.using(priority=1).enqueue(1).result())
reveal_type(awaited.enqueue(1, text="x").result())
plain.enqueue("x")
with_context.enqueue()
"""


@pytest.mark.slow
def test_enqueue_is_typed_like_the_function(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text(CODE)
    told, _, _ = api.run(["--config-file=", "--strict", "--cache-dir", str(tmp_path / "cache"), str(file)])
    assert [line.rpartition("Revealed type is ")[2] for line in told.splitlines() if "Revealed" in line] == [
        '"str"', '"str"', '"str"', '"int"'
    ]  # fmt: skip
    assert 'expected "int"' in told
    assert 'Missing positional argument "n"' in told
    assert "Found 2 errors" in told
