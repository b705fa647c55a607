"""Where a checkout keeps its things."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VAR = ROOT / "var"
LOGS = VAR / "log"
MAIL = VAR / "mail"
SERVERS = VAR / "servers"
VENV = ROOT / ".venv"

RUNTIME_LOCK = ROOT / "requirements.lock"
DEVELOPMENT_LOCK = ROOT / "requirements-dev.lock"
SERVERS_LOCK = ROOT / "requirements-servers.lock"
