"""`./dev bench-stores`: its verdicts, its table, its exit code, and a whole run on a small store."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.stores import options, report, table
from bench.stores.aim import Aim, AtLeast, TimesBare, Within
from bench.stores.contender import Ours, Turn
from bench.stores.contest import Discipline, Results, compete, work
from bench.stores.row import Row, exit_code
from bench.stores.series import Series
from bench.stores.spread import BUSY, QUEUES, STATES, JobMaker, shares
from core.model.states import State
from tools.dev import bench, cli

ROOT = Path(__file__).resolve().parents[2]


def row(ours: list[float], bare: list[float] | None = None, aim: Aim | None = None, what: str = "claim") -> Row:
    rival = None if bare is None else Series.of(bare)
    return Row(store="redis", what=what, unit="jobs/s", ours=Series.of(ours), bare=rival, aim=aim)


MET = row([100, 100, 100], [150, 150, 150], TimesBare(2))
MISSED = row([100, 100, 100], [201, 201, 201], TimesBare(2), "settle")


class TestVerdicts:
    @pytest.mark.parametrize(
        ("aim", "ours", "bare", "is_met"),
        [
            (TimesBare(2), [100.0], [200.0], True),
            (TimesBare(2), [100.0], [200.1], False),
            (Within(5), [5.0], None, True),
            (Within(5), [5.01], None, False),
            (AtLeast(20_000), [20_000.0], None, True),
            (AtLeast(20_000), [19_999.0], None, False),
        ],
    )
    def test_a_bound_is_kept_up_to_the_bound_itself(
        self, aim: Aim, ours: list[float], bare: list[float] | None, is_met: bool
    ):
        rival = None if bare is None else Series.of(bare)
        assert aim.judge(Series.of(ours), rival).is_met is is_met

    def test_the_median_of_the_rounds_counts(self):
        assert Within(5).judge(Series.of([1, 4, 100]), None).is_met
        assert not Within(5).judge(Series.of([1, 6, 7]), None).is_met

    def test_a_round_is_compared_with_the_rival_of_the_same_round(self):
        """The machine was ten times slower in the second round: the ratio does not see it."""
        ours, bare = Series.of([1000, 100, 1000]), Series.of([1500, 150, 1500])
        assert bare.over(ours).values == (1.5, 1.5, 1.5)

    def test_a_ratio_needs_its_rival(self):
        with pytest.raises(ValueError, match="needs their figures"):
            TimesBare(2).judge(Series.of([1]), None)

    def test_a_row_without_an_aim_is_only_told(self):
        assert row([1]).verdict is None
        assert not row([1]).is_missed


class TestExitCode:
    def test_all_met(self):
        assert exit_code([MET, row([1])]) == 0

    def test_a_planted_miss(self):
        assert exit_code([MET, MISSED]) == 1

    def test_nothing_was_measured(self):
        assert exit_code([]) == 1


class TestTable:
    def test_a_line_says_aim_figure_and_ok(self):
        assert table.cells(MET)[5:] == ("1.50x", "<= 2x bare", "1.50x", "ok")

    def test_a_line_says_missed(self):
        assert table.cells(MISSED)[5:] == ("2.01x", "<= 2x bare", "2.01x", "missed")

    def test_a_line_shows_the_spread_of_the_rounds(self):
        assert table.cells(row([3.14159, 250, 41_000.4]))[3] == "3.14 / 250 / 41,000"

    def test_columns_stand_in_line(self):
        head, first, second = table.as_text([MET, MISSED]).splitlines()
        assert head.index("aim") == first.index("<=") == second.index("<=")

    def test_the_summary_names_what_was_missed(self):
        assert table.summary([MET]) == "all 1 aims met"
        assert table.summary([MET, MISSED]) == "1 of 2 aims missed: redis: settle"

    def test_the_report_holds_the_table_and_the_misses(self):
        text = report.text("* facts", [MET, MISSED], [])
        assert "**1 of 2 aims missed: redis: settle**" in text
        assert text.count("| redis |") == 2


class TestRounds:
    def test_who_goes_first_changes_and_both_are_noted(self):
        order: list[str] = []

        def told(name: str, figure: float) -> float:
            order.append(name)
            return figure

        discipline = Discipline("race", lambda _: told("ours", 1.0), lambda _: told("bare", 2.0))
        results, nobody = Results(), Nobody()
        for turn in range(2):
            compete(discipline, results, Ours(nobody, nobody, nobody), nobody, turn=turn)
        assert order == ["ours", "bare", "bare", "ours"]
        assert (results.ours, results.bare) == ([1.0, 1.0], [2.0, 2.0])

    def test_the_first_turn_settles_what_another_left_and_is_not_counted(self):
        hands = Nobody()
        assert work(hands, turns=4, want=10) == pytest.approx(10 / 0.5)
        assert hands.turns == 5


class Nobody:
    """Settles ten jobs in half a second; the first call takes an hour."""

    turns = 0

    def turn(self, want: int) -> Turn:
        self.turns += 1
        return Turn(10, 3600 if self.turns == 1 else 0.5)

    def batches(self, number: int, size: int) -> list[object]:
        return []


class TestSpread:
    def test_every_queue_has_jobs_in_every_state(self):
        plan = shares(1_000_000)
        assert {(share.state, share.queue) for share in plan} == {(s, q) for s in State for q in QUEUES}
        assert sum(share.jobs for share in plan) == pytest.approx(1_000_000, rel=0.001)
        assert sum(STATES.values()) == 1000
        assert sum(QUEUES.values()) == 100

    def test_ids_are_never_given_twice(self):
        maker = JobMaker()
        assert len({maker.make(BUSY, now_ms=1).raw for _ in range(70_000)}) == 70_000


class TestOptions:
    def test_only_a_whole_run_writes_the_report(self):
        assert options.read([]).out == options.REPORT
        assert options.read(["--rows", "20000"]).out is None
        assert options.read(["--stores", "redis"]).out is None

    @pytest.mark.parametrize("typed", [["--stores", "mysql"], ["--stores", ""], ["--rows", "10"], ["--rounds", "0"]])
    def test_what_cannot_be_measured_is_refused(self, typed: list[str], capsys: pytest.CaptureFixture[str]):
        with pytest.raises(SystemExit, match="2"):
            options.read(typed)
        assert "error:" in capsys.readouterr().err


def test_a_small_run_prints_every_row_as_json_and_leaves_the_report_alone():
    written = options.REPORT.read_bytes() if options.REPORT.exists() else None
    command = [sys.executable, "-m", "bench.stores", "--stores", "memory,sqlite", "--rows", "10000", "--rounds", "1"]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    rows = json.loads(done.stdout)
    assert {entry["store"] for entry in rows} == {"memory", "sqlite"}
    assert {entry["what"].split()[2] for entry in rows if entry["what"].startswith("page of")} >= {"pending,", "dead,"}
    assert all(entry["bare"] for entry in rows if entry["store"] == "sqlite" and entry["unit"] == "jobs/s")
    assert done.returncode == (1 if any(entry["met"] is False for entry in rows) else 0)
    assert (options.REPORT.read_bytes() if options.REPORT.exists() else None) == written


def test_dev_hands_on_what_was_typed_behind_the_command():
    chosen = cli._parse(["bench-stores", "--stores", "redis", "--rows", "20000"])
    assert chosen.command is bench.stores
    assert chosen.rest == ["--stores", "redis", "--rows", "20000"]
