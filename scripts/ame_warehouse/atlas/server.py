"""A small server of the atlas, on the loopback interface only; it can be a process of its own."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

from ame_warehouse.atlas.site import POLICY
from ame_warehouse.pipeline.server import HOST, require_free_port

DEFAULT_PORT = 8081
PAGE_POLICY = f"{POLICY}; frame-ancestors 'none'"
# Great Expectations' pages carry scripts and styles of their own; nothing from elsewhere is loaded.
DOCS_POLICY = (
    "default-src 'self' 'unsafe-inline' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
NOT_YET = "The atlas has not been made yet: run `ame run`, or `ame atlas`, then reload.\n"


class Handler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD for files of one directory, only to requests that name this machine."""

    protocol_version = "HTTP/1.1"
    extensions_map = {  # noqa: RUF012
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".json": "application/json",
        ".svg": "image/svg+xml",
    }

    def send_head(self) -> IO[bytes] | None:  # type: ignore[override]
        """Refuse names that are not this machine's (DNS rebinding), and say so when there is no atlas yet."""
        name = (self.headers.get("Host") or "").rsplit(":", 1)[0]
        if name not in {HOST, "localhost"}:
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "This server answers on loopback only")
            return None
        if not Path(self.directory, "index.html").exists():
            body = NOT_YET.encode()
            self.send_response(HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None
        if self.path == "/favicon.ico":  # browsers ask for it where a page (of Data Docs) names no icon
            self.path = "/static/icon.svg"
        return super().send_head()

    def list_directory(self, path: str | os.PathLike[str]) -> None:  # noqa: ARG002
        """List nothing."""
        self.send_error(HTTPStatus.NOT_FOUND, "File not found")

    def end_headers(self) -> None:
        """Let nothing be kept without asking, nothing be framed or sniffed."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", DOCS_POLICY if _is_docs(self.path) else PAGE_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Be silent: what readers look at is theirs."""


def _is_docs(path: str) -> bool:
    return path.startswith("/data_docs/")


def serve(folder: Path, port: int) -> ThreadingHTTPServer:
    """Return a server of `folder` on 127.0.0.1; `port` 0 is any free one.

    Raises `AmeError` for a port that is taken.
    """
    if port:
        require_free_port(port)
    return ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(folder)))


def address(port: int) -> str:
    """Return the address of a server on this port."""
    return f"http://{HOST}:{port}/"


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start the server as a process of its own; raise `AmeError` for a port that is taken."""
    require_free_port(port)
    return subprocess.Popen(
        [sys.executable, "-m", "ame_warehouse.atlas.server", "--folder", str(folder), "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with serve(arguments.folder, arguments.port) as server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
