"""Runs and their folders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examples.run import Run, all_runs, runs_to_remove

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_a_new_run_is_named_by_its_start_and_remembers_its_jobs(tmp_path: Path) -> None:
    run = Run.new(tmp_path, NOON)
    run.save_jobs(["audit~1", "default~2"])
    assert run.started == NOON
    assert Run(tmp_path, run.id).job_ids() == ["audit~1", "default~2"]
    assert all_runs(tmp_path) == [run]


@pytest.mark.parametrize("wrong", ["", "../../etc", "20260131-093000-1f2e/..", "20260131-093000-1f2e\n"])
def test_an_id_that_is_none_never_becomes_a_path(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(ValueError, match="is no run"):
        Run(tmp_path, wrong)


def test_only_old_runs_beyond_the_newest_are_removed(tmp_path: Path) -> None:
    runs = [Run.new(tmp_path, NOON - timedelta(minutes=minutes)) for minutes in (300, 200, 100, 50, 10)]
    assert runs_to_remove(runs, 2, NOON) == runs[:3]
    assert runs_to_remove(runs, 0, NOON) == runs[:3], "the last hour is left alone"
    assert runs_to_remove(runs, 9, NOON) == []
