"""./dev chaos itself: a line a row, the totals, exit code 1 for whatever was not held, and seeds that replay."""

import pytest

from tests.chaos import __main__ as program
from tests.chaos.field import Field, a_field
from tests.chaos.finding import Finding, totals
from tests.faults.checker import Verdict


def good(field: Field) -> Finding:
    return Finding(
        "kills", tried=field.size(200), held=field.size(200), figure=f"{field.chance.random():.6f}", kills=20
    )


def bad(_: Field) -> Finding:
    return Finding("kills", tried=3, held=2, violations=["a job is None, not completed"])


def idle(_: Field) -> Finding:
    return Finding("kills", figure="not tried: no compiler")


def broken(_: Field) -> Finding:
    raise AssertionError("not within 20 s")


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "ROWS", {"good": good, "bad": bad, "idle": idle, "broken": broken})


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    return program.main(arguments), capsys.readouterr().out


def test_a_run_whose_rows_are_held_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--seed", "7", "--scale", "0.1", "--row", "good")
    assert code == 0
    assert out.startswith("seed 7, scale 0.1")
    assert "| good | 20 kills | 20 |" in out
    assert "kills 20, lost 0, accepted twice 0" in out


@pytest.mark.parametrize("row", ["bad", "idle", "broken"])
def test_what_was_not_held_or_not_tried_is_a_failure_and_says_how_to_replay_it(
    capsys: pytest.CaptureFixture[str], row: str
) -> None:
    code, out = run(capsys, "--seed", "7", "--row", "good", "--row", row)
    assert code == 1
    assert f"./dev chaos --seed 7 --scale 1 --row '{row}'" in out


def test_a_row_takes_the_same_chances_alone_as_among_others(capsys: pytest.CaptureFixture[str]) -> None:
    among, alone, other = (
        run(capsys, *arguments)[1].partition("| good ")[2].partition(";")[0]
        for arguments in (["--seed", "7"], ["--seed", "7", "--row", "good"], ["--seed", "8", "--row", "good"])
    )
    assert among == alone != other


def test_the_totals_count_what_a_verdict_found() -> None:
    finding = Finding("kills")
    verdict = Verdict(jobs=5, runs=7, hits=2, twice=1, recoveries=[0.1, 0.3])
    verdict.violations = ["x is None, not completed", "y ran again for no reason: …"]
    finding.add(verdict, 3)
    told = totals([finding])
    assert "jobs 5, kills 3, lost 1, accepted twice 1, executions beyond the bound 1" in told
    assert "recovery p50 0.20 s, p99 0.30 s" in told


def test_a_field_leaves_nothing_behind() -> None:
    with a_field("seed", 0.1) as field:
        folder = field.folder
        assert field.store("sqlite").startswith(f"sqlite:///{folder}")
    assert not folder.exists()
