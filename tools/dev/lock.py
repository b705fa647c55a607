"""Write the lock files anew: every package and its hashes, for every supported Python and system."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import environment, interpreter
from .console import Stop, step
from .paths import DEVELOPMENT_LOCK, ROOT, RUNTIME_LOCK, SERVERS_LOCK, VAR

RESOLVER = "uv==0.13.9"
OLDEST = "3.11"
HEADER = "# Written by `./dev lock` from {source}: every package, with the hash of each of its files. Do not edit.\n"


def lock(_: argparse.Namespace) -> int:
    """`./dev lock`."""
    uv = _resolver()
    # The development lock comes first, and holds the runtime one to the same versions.
    _compile(uv, "requirements-dev.txt", DEVELOPMENT_LOCK)
    _compile(uv, "requirements.txt", RUNTIME_LOCK, "--constraints", DEVELOPMENT_LOCK.name)
    _compile(uv, "requirements-servers.txt", SERVERS_LOCK, "--no-deps")
    return 0


def _resolver() -> Path:
    """uv, in a venv of its own: it resolves for all systems at once, which pip cannot."""
    requirement = VAR / "resolver.txt"
    venv = VAR / "resolver"
    python = venv / "bin" / "python"
    step(f"fetching {RESOLVER}")
    VAR.mkdir(exist_ok=True)
    requirement.write_text(RESOLVER + "\n", encoding="utf-8")
    if interpreter.version_of(python) is None:
        shutil.rmtree(venv, ignore_errors=True)
        environment.make(venv, Path(sys.executable))
    environment.run_pip(venv, ["install", "--quiet", "--only-binary", ":all:", "-r", str(requirement)])
    return venv / "bin" / "uv"


def _compile(uv: Path, source: str, target: Path, *options: str) -> None:
    step(f"{source} -> {target.name}")
    draft = target.with_suffix(".draft")
    command = [str(uv), "pip", "compile", source, "--output-file", str(draft), "--universal"]
    command += ["--python-version", OLDEST, "--generate-hashes", "--only-binary", ":all:", "--no-config"]
    # Nothing of this machine goes into the file: no index, no path, no command line.
    command += ["--no-header", "--no-emit-index-url", "--no-emit-find-links", "--upgrade", "--quiet", *options]
    done = subprocess.run(command, cwd=ROOT, env=_uv_environment(), capture_output=True, encoding="utf-8")
    if done.returncode:
        draft.unlink(missing_ok=True)
        raise Stop(f"{source} could not be resolved: {done.stderr.strip()}")
    target.write_text(HEADER.format(source=source) + draft.read_text(encoding="utf-8"), encoding="utf-8")
    draft.unlink()


def _uv_environment() -> dict[str, str]:
    """What pip is told about the index, said in uv's words."""
    translated = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_CERT": "SSL_CERT_FILE"}
    told = {theirs: os.environ[ours] for ours, theirs in translated.items() if ours in os.environ}
    return {**interpreter.clean_environment(), **told}
