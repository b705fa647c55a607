"""One trace on all stores at once against the small model: clock, crashes, lost replies, stale tokens, operators."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .clock import FakeClock
from .conftest import STORES, Chooser
from .machine.control import Control
from .machine.intake import Intake
from .machine.leases import Leases
from .machine.looking import Looking
from .machine.work import Work


class StoresAgainstModel(Intake, Work, Leases, Control, Looking):
    """Every rule does one thing to the model and to each store, and compares the answers."""


@pytest.mark.timeout(300)
def test_every_store_does_what_the_model_does(request: pytest.FixtureRequest, choose: Chooser):
    wanted = set(request.config.getoption("stores").split(","))
    names = [name for name in STORES if name in wanted]

    def begin() -> StoresAgainstModel:
        clock = FakeClock()
        stores = {name: choose(name, "run").connect(clock) for name in names}
        return StoresAgainstModel(stores, clock)

    run_state_machine_as_test(begin, settings=HELD_TO)


HELD_TO = settings(
    max_examples=80,
    stateful_step_count=100,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
