"""How long the machine runs: in the suite a bounded, repeatable time; by hand for as long as wanted.

./dev test conformance                                           the suite's
python -m pytest tests/conformance/test_machine.py --hypothesis-profile long
"""

from hypothesis import HealthCheck, Phase, settings

IN_THE_SUITE = settings(
    max_examples=40,
    stateful_step_count=70,
    deadline=None,
    derandomize=True,
    database=None,
    report_multiple_bugs=False,  # one at a time, shrunk within the time that a test has
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
LONG = settings(IN_THE_SUITE, max_examples=2_000, stateful_step_count=150, derandomize=False)

settings.register_profile("long", LONG)
