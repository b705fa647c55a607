"""One trace on all stores at once against the small model: clock, crashes, lost replies, stale tokens, operators."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from .clock import FakeClock
from .conftest import Chooser, wanted_stores
from .machine.control import Control
from .machine.intake import Intake
from .machine.leases import Leases
from .machine.looking import Looking
from .machine.profiles import IN_THE_SUITE, LONG
from .machine.work import Work


class StoresAgainstModel(Intake, Work, Leases, Control, Looking):
    """Every rule does one thing to the model and to each store, and compares the answers."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    is_long = metafunc.config.getoption("hypothesis_profile", None) == "long"
    limits, name, seconds = (LONG, "long", 0) if is_long else (IN_THE_SUITE, "short", 300)
    metafunc.parametrize("limits", [pytest.param(limits, id=name, marks=pytest.mark.timeout(seconds))])


def test_every_store_does_what_the_model_does(request: pytest.FixtureRequest, choose: Chooser, limits: settings):
    """A cluster runs the scripts of Redis, and other tests show that it finds their keys: here in long runs only."""
    kinds = [name for name in wanted_stores(request.config) if limits is LONG or name != "redis-cluster"]

    def begin() -> StoresAgainstModel:
        clock = FakeClock()
        stores = {name: choose(name, "run").connect(clock) for name in kinds}
        return StoresAgainstModel(stores, clock)

    run_state_machine_as_test(begin, settings=limits)
