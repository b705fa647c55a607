"""Ends the processes of `./dev run` when the runner itself was killed and could not do it.

The runner holds the other end of this program's standard input. It writes `+PID START` for a process it started and
`-PID START` for one that ended; `bye` means that everything is in order. When the input ends without it, the runner
is gone: what it started is asked to end, and killed after a while.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.dev.process import Process, end

GRACE_SECONDS = 9.0


def main() -> None:
    """Follow the runner until it says goodbye or falls silent."""
    watched: set[Process] = set()
    for line in sys.stdin:
        if line.strip() == "bye":
            return
        pid, _, started = line[1:].strip().partition(" ")
        process = Process(int(pid), started)
        if line.startswith("+"):
            watched.add(process)
        else:
            watched.discard(process)
    end(list(watched), grace_seconds=GRACE_SECONDS)


main()
