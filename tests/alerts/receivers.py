"""Receivers on loopback: a real SMTP server, a webhook and an outside monitor."""

from __future__ import annotations

import asyncio
import json
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.ports import free_port

SECRET = "hemligt-lösen9"  # what must never be seen in a log
TOKEN = "T0ken-4711-abc"


class MailServer:
    """A real SMTP server (aiosmtpd); `mode` is ok, refuse (450 at RCPT) or slow (answers late)."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.mode = "ok"
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def __enter__(self) -> MailServer:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        return (
            f"mailto://127.0.0.1:{self.port}?from=ame@example.se&to=drift@example.se&mode=insecure&name=Ämne"
        )

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Called by the server for each recipient."""
        if self.mode == "refuse":
            return "450 mailbox busy"
        if self.mode == "slow":
            await asyncio.sleep(60)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Called by the server for each message."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.mails.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        return "250 taken"


class Webhook:
    """Takes POST and GET; `mode` is ok, error (500), slow (no answer) or drip (a byte now and then).

    A message longer than `most` letters is refused, as chat services do.
    """

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.gets: list[str] = []
        self.mode = "ok"
        self.most = 1_000_000
        self.port = free_port()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                is_short = len(body["message"]) <= outer.most
                if outer.mode == "ok" and is_short:
                    outer.posts.append(body)
                outer.answer(self, 200 if is_short else 413)

            def do_GET(self) -> None:
                if outer.mode == "ok":
                    outer.gets.append(self.path)
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing to the test's output."""

        self._handler = Handler
        self._server: ThreadingHTTPServer | None = None
        self._ends = threading.Event()

    def __enter__(self) -> Webhook:
        self.start(self.mode)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, mode: str = "ok") -> None:
        """Listen, always at the same port."""
        self.mode = mode
        self._ends.clear()
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), self._handler)
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        """Be down: connections are refused."""
        self._ends.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"json://anna:{SECRET}@127.0.0.1:{self.port}/{TOKEN}"

    @property
    def heartbeat(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/{TOKEN}"

    def answer(self, handler: BaseHTTPRequestHandler, status: int = 200) -> None:
        if self.mode == "slow":
            self._ends.wait(60)
            return
        if self.mode == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: yes":
                try:
                    handler.wfile.write(bytes([byte]))
                except OSError:
                    break
                if self._ends.wait(2):
                    break
            return
        handler.send_response(500 if self.mode == "error" else status)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Return the text part and the HTML part of a mail."""
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return (str(plain.get_content()) if plain else "", str(html.get_content()) if html else "")  # type: ignore[attr-defined]
