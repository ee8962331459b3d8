"""Connections whose sockets can be cut from outside: a read timeout does not end a server that drips."""

from __future__ import annotations

import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Wires:
    """The sockets of one session, so that a watchdog can end a request that never ends by itself."""

    def __init__(self) -> None:
        self._open: list[Any] = []

    def add(self, wire: Any) -> None:
        """Remember the socket now in use."""
        self._open = [wire]

    def cut(self) -> None:
        """End whatever is read or written on the socket, at once."""
        for wire in self._open:
            try:
                wire.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _pool_classes(wires: Wires) -> dict[str, type]:
    class PlainConnection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            wires.add(self.sock)

    class SecureConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            wires.add(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": PlainPool, "https": SecurePool}


class Adapter(HTTPAdapter):
    """One connection, no retries of its own, sockets known to the watchdog."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self._wires)
