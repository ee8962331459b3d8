"""Receivers on loopback, as real as needed: an SMTP server, a webhook and an outside monitor."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "hemligt-lösen9"  # what must never be seen in a log
TOKEN = "T0ken-4711-abc"


class _Running:
    """A server in a thread of its own, for the length of a `with` block."""

    server: socketserver.BaseServer

    def __enter__(self) -> Any:
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])


class MailServer(_Running):
    """Speaks enough SMTP to take mail; `mode` is ok, refuse (450 at RCPT) or slow (says nothing)."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.mode = "ok"
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer.talk(self)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return (
            f"mailto://127.0.0.1:{self.port}?from=ame@example.se&to=drift@example.se&mode=insecure&name=Ämne"
        )

    def talk(self, peer: socketserver.StreamRequestHandler) -> None:
        def say(text: str) -> None:
            peer.wfile.write(text.encode() + b"\r\n")

        if self.mode == "slow":
            time.sleep(3)
            return None
        say("220 loopback")
        while line := peer.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                say("354 go on")
                lines = []
                while (part := peer.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(part[1:] if part.startswith(b"..") else part)
                self.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))  # type: ignore[arg-type]
                say("250 taken")
            elif word == b"QUIT":
                return say("221 bye")
            elif word == b"RCPT" and self.mode == "refuse":
                say("450 mailbox busy")
            else:
                say("250 ok")
        return None


class Webhook(_Running):
    """Takes POST and GET; `mode` is ok, error (500), slow (no answer) or drip (a byte now and then)."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.gets: list[str] = []
        self.mode = "ok"
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.mode == "ok":
                    outer.posts.append(json.loads(body))
                outer.answer(self)

            def do_GET(self) -> None:
                if outer.mode == "ok":
                    outer.gets.append(self.path)
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing to the test's output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"json://anna:{SECRET}@127.0.0.1:{self.port}/{TOKEN}"

    @property
    def heartbeat(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping/{TOKEN}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.mode == "slow":
            time.sleep(3)
            return
        if self.mode == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: yes":
                try:
                    handler.wfile.write(bytes([byte]))
                except OSError:
                    break
                time.sleep(0.2)
            return
        handler.send_response(500 if self.mode == "error" else 200)
        handler.send_header("Content-Length", "0")
        handler.end_headers()


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Return the text part and the HTML part of a mail."""
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    return (str(plain.get_content()) if plain else "", str(html.get_content()) if html else "")  # type: ignore[attr-defined]
