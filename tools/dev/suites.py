"""The test suites: what each is called, where it lives, what it needs and how many minutes it may take."""

from dataclasses import dataclass

from .servers import CHROMIUM, POSTGRES, REDIS, Server


@dataclass(frozen=True)
class Suite:
    """One folder under tests/."""

    name: str
    minutes: float
    servers: tuple[Server, ...] = ()
    spread: str | None = "worksteal"
    """How two processes share the tests: one by one, "loadfile" by file, None where they would disturb each other."""
    about: str = ""

    @property
    def folder(self) -> str:
        """Where its tests are."""
        return f"tests/{self.name}"


SUITES = (
    Suite("unit", 1, about="pure rules and values"),
    Suite("tooling", 3, spread="loadfile", about="./dev, the container files, the import rules"),
    Suite("conformance", 4, (REDIS, POSTGRES), about="every behaviour on every store"),
    Suite("stores", 4, (REDIS, POSTGRES), about="what each store does in its own way: files, scripts, costs, faults"),
    Suite("simulation", 1, about="histories by seeds in virtual time, and eight planted bugs"),
    Suite("faults", 4, (REDIS, POSTGRES), spread=None, about="kills, cuts and clock jumps"),
    Suite("doors", 2, (REDIS,), about="commands, HTTP API and pages"),
    Suite("browser", 5, (REDIS, CHROMIUM), spread=None, about="the dashboard in Chromium"),
)
BY_NAME = {suite.name: suite for suite in SUITES}

# What another interpreter is shown to run: the rules, and the stores that need no server.
OTHER_INTERPRETER_FOLDERS = ("tests/unit", "tests/conformance")
OTHER_INTERPRETER_STORES = "memory,sqlite"
OTHER_INTERPRETER_MINUTES = 3.0
