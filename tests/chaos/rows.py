"""The rows: one for each fault of docs/reliability.md, in its order, and how each is tried."""

from collections.abc import Callable

from tests.chaos import clocks, races, trials
from tests.chaos.field import Field
from tests.chaos.finding import Finding
from tests.chaos.nodes import by_tests

REDIS, POSTGRES, SQLITE = "tests/stores/redis", "tests/stores/postgres", "tests/stores/sqlite"
HANDLERS = "tests/faults/test_handlers.py"

ROWS: dict[str, Callable[[Field], Finding]] = {
    "worker killed": trials.killed,
    "died at a failpoint": trials.failpoints,
    "zombie": trials.zombies,
    "heartbeat starved": by_tests(f"{HANDLERS}::test_c_code_that_holds_the_interpreter_keeps_its_lease"),
    "ignores its timeout": by_tests(
        f"{HANDLERS}::test_a_handler_that_does_not_stop_costs_its_process_and_the_others_finish",
        "tests/faults/test_isolation.py",
    ),
    "poison": by_tests("tests/faults/test_suspects.py"),
    "signals": trials.signals,
    "rolling deploy": by_tests(
        f"{HANDLERS}::test_a_job_of_an_unknown_task_waits_for_a_worker_that_knows_it", "tests/faults/test_deploys.py"
    ),
    "Redis killed": by_tests(
        "tests/faults/test_outages.py", f"{REDIS}/test_durability.py", f"{REDIS}/test_power_cut.py"
    ),
    "Redis full, evicting, read-only, flushed": by_tests(
        f"{REDIS}/test_faults.py", f"{REDIS}/test_open.py", f"{REDIS}/test_reconnects.py"
    ),
    "the link cut": trials.cuts,
    "reply dropped after commit": trials.lost_replies,
    "PostgreSQL restarted, ended, full": by_tests(
        f"{POSTGRES}/test_failover.py", f"{POSTGRES}/test_faults.py", f"{POSTGRES}/test_power_cut.py"
    ),
    "disk full, read-only, replaced": by_tests(
        f"{SQLITE}/test_faults.py", f"{SQLITE}/test_location.py", f"{SQLITE}/test_power_cut.py"
    ),
    "SQLite contention": by_tests(f"{SQLITE}/test_writer.py", f"{SQLITE}/test_processes.py"),
    "clocks jump": clocks.jumps,
    "days of 23 and 25 hours": by_tests("tests/unit/core/test_cron.py", "tests/conformance/test_rescue.py"),
    "five schedulers": trials.schedulers,
    "operators race": races.operators,
    "dashboard": by_tests("tests/doors/dashboard/test_live.py", but="200 slow clients; a gunicorn worker killed"),
    "histories in virtual time": trials.histories,
    "planted bugs": trials.planted_bugs,
}
