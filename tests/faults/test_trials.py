"""The trials of `./dev chaos` that are quick enough, in small: cut links, lost replies, races."""

from collections.abc import Callable

import pytest

from tests.chaos import races, trials
from tests.chaos.field import Field, a_field
from tests.chaos.finding import Finding
from tests.faults.campaign import new_seed

pytestmark = [pytest.mark.serial, pytest.mark.slow, pytest.mark.timeout(100)]


@pytest.mark.parametrize(
    ("trial", "scale"),
    [
        pytest.param(trials.cuts, 0.05, id="work goes on after every cut"),
        pytest.param(trials.lost_replies, 0.05, id="a lost reply doubles no job"),
        pytest.param(races.operators, 0.1, id="of two who act on a job one wins"),
    ],
)
def test_a_trial_in_small_is_held(trial: Callable[[Field], Finding], scale: float) -> None:
    with a_field(f"{new_seed()}", scale) as field:
        finding = trial(field)
    print(f"{finding.held} of {finding.tried} {finding.unit}: {finding.figure}")
    assert finding.is_held, finding.violations
