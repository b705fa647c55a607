"""Whether a process runs, is stopped or is gone, by both ways of asking."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.worker.liveness import Pulse, Vital, ask_ps, memory_of, pulse_of, read_proc, vital_of

pytestmark = pytest.mark.serial
NO_PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system has no /proc")
WAYS = [pytest.param(read_proc, id="proc", marks=NO_PROC), pytest.param(ask_ps, id="ps")]


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("look", WAYS)
def test_a_process_runs_is_stopped_runs_again_and_is_gone(
    child: subprocess.Popen[bytes], look: Callable[[int], Pulse]
) -> None:
    assert look(child.pid).vital is Vital.RUNNING
    os.kill(child.pid, signal.SIGSTOP)
    _until(lambda: look(child.pid).vital is Vital.STOPPED)
    os.kill(child.pid, signal.SIGCONT)
    _until(lambda: look(child.pid).vital is Vital.RUNNING)
    child.kill()
    _until(lambda: look(child.pid).vital is Vital.GONE)
    child.wait()
    assert look(child.pid).vital is Vital.GONE


def test_another_process_under_its_number_is_not_it(child: subprocess.Popen[bytes]) -> None:
    birth = pulse_of(child.pid).birth
    assert vital_of(child.pid, birth) is Vital.RUNNING
    if birth:
        assert vital_of(child.pid, birth - 1) is Vital.GONE


def test_memory_is_told_where_the_system_tells_it() -> None:
    assert memory_of(os.getpid()) > 1_000_000 or not Path("/proc/self/statm").exists()
    assert memory_of(1 << 30) == 0


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
