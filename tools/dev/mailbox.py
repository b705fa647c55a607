"""A mail server on loopback that keeps what it receives as .eml files; run by the Python of .venv.

usage: mailbox.py PORT FOLDER
"""

import asyncio
import secrets
import signal
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Stores every mail in a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by the server for each mail; the file appears whole or not at all."""
        content = envelope.content or b""
        body = content.encode() if isinstance(content, str) else content
        name = f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f".{name}"
        draft.write_bytes(body)
        draft.replace(self._folder / name)
        print(f"{name} from {envelope.mail_from} to {', '.join(envelope.rcpt_tos)}", flush=True)
        return "250 Message accepted for delivery"


async def serve(port: int, folder: Path) -> None:
    """Receive until a signal comes."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    handler = Mailbox(folder)
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="localhost", data_size_limit=50_000_000, enable_SMTPUTF8=True),
        host="127.0.0.1",
        port=port,
    )
    async with server:
        print(f"receiving on port {port}", flush=True)
        await done.wait()


asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
