"""What a running `./dev run` leaves under var/ for the next command to read."""

import fcntl
import json
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper

from .paths import VAR
from .process import Process

STATE = VAR / "run.json"
LOCK = VAR / "run.lock"


@dataclass(frozen=True)
class State:
    """Where it answers (empty until it does), and the processes it started."""

    url: str = ""
    processes: list[Process] = field(default_factory=list)


def take() -> TextIOWrapper | None:
    """The right to run, as long as the file stays open; None where another one has it.

    The kernel gives the lock back however its holder ends, so that no stale file can stand in the way.
    """
    VAR.mkdir(exist_ok=True)
    file = LOCK.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def read() -> State:
    """What the last run wrote; an empty state if it wrote nothing that can be read."""
    try:
        raw = json.loads(STATE.read_text(encoding="utf-8"))
        return State(raw["url"], [Process(**process) for process in raw["processes"]])
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def write(state: State) -> None:
    """Replace what the file says, whole."""
    draft = STATE.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n", encoding="utf-8")
    draft.replace(STATE)


def clear() -> None:
    """Nothing runs."""
    STATE.unlink(missing_ok=True)
