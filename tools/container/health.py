"""The health of a web container: exit 0 when GET /livez says 200."""

import http.client
import os
import sys


def main() -> int:
    """Ask the dashboard of this container."""
    port = int(os.environ.get("PORT") or "8000")
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        link.request("GET", "/livez", headers={"Host": _host()})
        return 0 if link.getresponse().status == 200 else 1
    except (OSError, http.client.HTTPException) as error:
        print(f"no answer on port {port}: {error}", file=sys.stderr)
        return 1
    finally:
        link.close()


def _host() -> str:
    """A name that the dashboard answers to; others are refused."""
    first = os.environ.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    return first if first not in ("", "*") else "localhost"


if __name__ == "__main__":
    sys.exit(main())
