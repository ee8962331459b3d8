"""What the servers of the sample share: they serve on 127.0.0.1 while a `with` block lasts, quietly."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar

from ame_warehouse.sample.faults import Fault

Mount = TypeVar("Mount")


class QuietHandler(ABC, BaseHTTPRequestHandler):
    """Answers the requests of one server; `server_side` is that server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_side: Any

    def do_GET(self) -> None:
        """Answer a request."""
        self.reply()

    @abstractmethod
    def reply(self) -> None:
        """Send what the server has at `self.path`, with the faults that hit the request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing on stderr."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no news."""


class LoopbackServer(ABC, Generic[Mount]):
    """Serves mounts ({path prefix: what is there}) on 127.0.0.1 while the `with` block lasts.

    `faults` can be changed while the server runs; `closing` is set when it ends.
    """

    handler: ClassVar[type[QuietHandler]]

    def __init__(self, mounts: dict[str, Mount], faults: Sequence[Fault]) -> None:
        self.mounts = mounts
        self.faults = list(faults)
        self.closing = threading.Event()
        self._http: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        handler = type("Handler", (self.handler,), {"server_side": self})
        self._http = _QuietServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    @property
    def host(self) -> str:
        """Address of the server, without a path."""
        if self._http is None:
            raise RuntimeError("the server is not running")
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @abstractmethod
    def url(self, prefix: str) -> str:
        """Return the address at which a client of the source begins to read a mount."""

    def vintages(self) -> list[tuple[str, str]]:
        """Return (vintage date, address) of the mounts, oldest first."""
        return [(prefix.split("/")[2], self.url(prefix)) for prefix in sorted(self.mounts)]
