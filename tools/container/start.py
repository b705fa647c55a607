"""The start of a container: `start.py web`, `start.py workers`, or `start.py COMMAND ...` for any command of manage.py.

What is missing or wrong in its settings is said in one sentence (exit 2), before anything starts.
"""

import os
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import django  # noqa: E402 - found beside the checkout's own packages
from django.core.exceptions import ImproperlyConfigured  # noqa: E402

REQUIRED = {
    "SECRET_KEY": "50 random characters or more",
    "ALLOWED_HOSTS": "the host names it answers to, with commas",
    # A container's own disk is no place for jobs, so the default of a checkout does not hold here.
    "JOBS_BACKEND_URL": "where jobs are kept, such as redis://:PASSWORD@HOST:6379/0",
}


def main() -> NoReturn:
    """Check the settings, then become the program that was asked for."""
    os.chdir(ROOT)
    os.environ.setdefault("JOBS_ENV", "production")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jobs_dashboard.settings")
    if os.environ["JOBS_ENV"] != "development":
        _require_settings()
    _check_settings()
    command = _command(sys.argv[1:] or ["web"])
    os.execv(command[0], command)  # PID 1 is the program itself, so that signals reach it


def _require_settings() -> None:
    if os.environ.get("REDIS_URL"):  # what platforms with a Redis add-on set
        REQUIRED.pop("JOBS_BACKEND_URL")
    missing = [name for name in REQUIRED if not os.environ.get(name, "").strip()]
    if missing:
        wanted = "; ".join(f"{name} ({REQUIRED[name]})" for name in missing)
        _refuse(f"set {wanted}")


def _check_settings() -> None:
    try:
        django.setup()
    except (ImproperlyConfigured, ValueError) as error:
        _refuse(" ".join(str(error).split()))


def _refuse(sentence: str) -> NoReturn:
    print(f"jobs-dashboard: {sentence}", file=sys.stderr)
    sys.exit(2)


def _command(arguments: list[str]) -> list[str]:
    manage = [sys.executable, str(ROOT / "manage.py")]
    if arguments[0] == "web":
        return [*_gunicorn(), *arguments[1:]]
    if arguments[0] == "workers":
        return [*manage, "runworkers", *arguments[1:]]
    return [*manage, *arguments]


def _gunicorn() -> list[str]:
    host = os.environ.get("HOST") or "0.0.0.0"
    port = os.environ.get("PORT") or "8000"
    # Each thread holds one page that is watched live, so threads are many and processes few.
    size = ["--workers", os.environ.get("WEB_CONCURRENCY") or "2", "--threads", "8"]
    # Heartbeats in memory and no control socket: the root file system is read-only.
    files = ["--worker-tmp-dir", "/dev/shm", "--no-control-socket"] if Path("/dev/shm").is_dir() else []
    logs = ["--access-logfile", "-"]
    return [sys.executable, "-m", "gunicorn", "jobs_dashboard.wsgi", "--bind", f"{host}:{port}", *size, *files, *logs]


if __name__ == "__main__":
    main()
