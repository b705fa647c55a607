"""A pip for a venv that was made without one, wherever this machine may have it.

Pip's own wheel runs as it is, without being installed, so any copy of it will do: the one inside ensurepip, the
one Debian keeps for its venvs, the one of another Python, of the configured index, or of Debian's archive.
"""

import configparser
import hashlib
import html
import os
import re
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from . import interpreter
from .console import Stop, step
from .paths import VAR

DEBIAN_WHEELS = Path("/usr/share/python-wheels")
KEPT = VAR / "pip"
# The one file that is taken from an index before there is a pip to check hashes.
WHEEL = "pip-26.3-py3-none-any.whl"
WHEEL_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
FETCH_SECONDS = 30


def ensure_pip(python: Path) -> None:
    """See to it that `python -m pip` works."""
    if _has_pip(python):
        return
    wheel = _wheel(python)
    options = ["--no-index", "--no-deps", "--disable-pip-version-check"]
    command = [str(python), f"{wheel}/pip", "install", *options, str(wheel)]
    done = subprocess.run(command, env=pip_environment(), capture_output=True, text=True)
    if done.returncode:
        raise Stop(f"pip could not be installed from {wheel}: {done.stderr.strip()}")


def pip_environment() -> dict[str, str]:
    """The environment for pip: its settings hold, but for those that would take packages out of the venv."""
    environment = interpreter.clean_environment(PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"):
        environment.pop(name, None)
    return environment


def _wheel(python: Path) -> Path:
    places: tuple[Callable[[], Path | None], ...] = (
        lambda: _bundled_with(python),
        lambda: _newest(DEBIAN_WHEELS),
        lambda: _newest(KEPT),
        _of_another_python,
        _from_index,
        _from_debian,
    )
    for place in places:
        wheel = place()
        if wheel is not None:
            return wheel
    raise Stop(f"this Python has no pip and none could be fetched: {_by_hand()}")


def _has_pip(python: Path) -> bool:
    return subprocess.run([python, "-I", "-m", "pip", "--version"], capture_output=True).returncode == 0


def _bundled_with(python: Path) -> Path | None:
    """The wheel that ensurepip would install."""
    code = "import importlib.util as u; s = u.find_spec('ensurepip'); print(s.origin if s and s.origin else '')"
    answer = subprocess.run([python, "-I", "-c", code], capture_output=True, encoding="utf-8")
    origin = answer.stdout.strip()
    return _newest(Path(origin).parent / "_bundled") if origin else None


def _of_another_python() -> Path | None:
    wheels = (_bundled_with(other.path) for other in interpreter.found())
    return next((wheel for wheel in wheels if wheel is not None), None)


def _newest(folder: Path) -> Path | None:
    wheels = sorted(folder.glob("pip-*.whl"), key=lambda wheel: [int(n) for n in re.findall(r"\d+", wheel.name)])
    return wheels[-1] if wheels else None


def _from_index() -> Path | None:
    """Pip's wheel from the index that this machine is set up with, if it is set up with one."""
    index = _configured_index()
    if index is None:
        return None
    step("fetching pip from the configured index")
    try:
        page_url = f"{index.rstrip('/')}/pip/"
        page = _fetch(page_url).decode("utf-8", "replace")
        links = (html.unescape(link) for link in re.findall(r'href="([^"]+)"', page))
        link = next((link for link in links if f"/{WHEEL}" in f"/{link}"), None)
        content = _fetch(urllib.parse.urljoin(page_url, link)) if link else b""
    except (OSError, ValueError) as error:
        step(f"the configured index did not give pip: {error}")
        return None
    if hashlib.sha256(content).hexdigest() != WHEEL_SHA256:
        step(f"the configured index has no {WHEEL} with the expected hash")
        return None
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / WHEEL).write_bytes(content)
    return KEPT / WHEEL


def _fetch(url: str) -> bytes:
    """The body of an answer, through the proxy of the environment, as pip would fetch it."""
    if not url.startswith(("http://", "https://", "file://")):
        raise ValueError(f"no such kind of address: {url}")
    with urllib.request.urlopen(url, timeout=FETCH_SECONDS) as answer:
        body: bytes = answer.read()
    return body


def _configured_index() -> str | None:
    """PIP_INDEX_URL, or `index-url` of the pip.conf files, the most personal one first."""
    told = os.environ.get("PIP_INDEX_URL")
    if told:
        return told
    for path in _config_files():
        config = configparser.RawConfigParser()
        try:
            config.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for section in ("install", "global"):
            value = config.get(section, "index-url", fallback="").strip()
            if value:
                return value
    return None


def _config_files() -> list[Path]:
    told = os.environ.get("PIP_CONFIG_FILE")
    personal = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    names = [f"{personal}/pip/pip.conf", "~/.pip/pip.conf", "~/Library/Application Support/pip/pip.conf"]
    names += ["/etc/pip.conf", "/etc/xdg/pip/pip.conf", "/Library/Application Support/pip/pip.conf"]
    return [Path(name).expanduser() for name in ([told] if told else []) + names]


def _from_debian() -> Path | None:
    """Pip's wheel out of Debian's own package, which needs no rights to be fetched and unpacked."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return None
    step("fetching pip's wheel from the archive of this system")
    if os.geteuid() == 0 and not any(Path("/var/lib/apt/lists").glob("*Packages*")):
        subprocess.run(["apt-get", "update", "-qq"], stdin=subprocess.DEVNULL, capture_output=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        fetched = subprocess.run(
            ["apt-get", "download", "-qq", "python3-pip-whl"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        archives = list(Path(folder).glob("*.deb"))
        if fetched.returncode or not archives:
            return None
        subprocess.run(["dpkg-deb", "-x", archives[0], folder], check=True, capture_output=True)
        wheel = _newest(Path(folder, *DEBIAN_WHEELS.parts[1:]))
        if wheel is None:
            return None
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.copy(wheel, KEPT)
        return KEPT / wheel.name


def _by_hand() -> str:
    if shutil.which("apt-get"):
        return "type sudo apt-get install python3-venv"
    return "install Python's ensurepip, or name an index with PIP_INDEX_URL"
