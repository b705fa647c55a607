"""What `./dev` says: progress lines on standard output, one sentence where it has to stop."""

import sys
import time
from typing import NoReturn, TextIO

STARTED = time.monotonic()


class Stop(Exception):
    """Ends the command with a sentence for the person who typed it."""

    def __init__(self, sentence: str, *, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def say(line: str = "") -> None:
    """A line of progress."""
    _write(sys.stdout, f"{line}\n")


def step(line: str) -> None:
    """A step that begins now, with the seconds since the start."""
    say(f"[{time.monotonic() - STARTED:5.1f} s] {line}")


def complain(sentence: str) -> None:
    """A sentence on standard error."""
    _write(sys.stderr, f"{sentence}\n")


def usage(sentence: str) -> NoReturn:
    """Stop because of what was typed or set."""
    raise Stop(sentence, code=2)


class StatusLine:
    """One line that is written over on a terminal, and kept quiet anywhere else."""

    def __init__(self) -> None:
        self._shown = sys.stdout.isatty()

    def show(self, text: str) -> None:
        """Replace what the line says."""
        if self._shown:
            _write(sys.stdout, f"\r\033[K          {text[:90]}")

    def close(self) -> None:
        """Take the line away."""
        if self._shown:
            _write(sys.stdout, "\r\033[K")


def _write(stream: TextIO, text: str) -> None:
    """Write whatever the locale: under LANG=C a path may hold characters that the stream cannot say."""
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
