"""How the loopback server sends an answer, whole or broken in the way that a fault says."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from ame_warehouse.sample.faults import Fault

HTML = "<!DOCTYPE html><html><body><h1>Underhåll</h1><p>Tjänsten är stängd.</p></body></html>"
DRIP_SECONDS = 0.05


class Owner(Protocol):
    """What sending needs of the server."""

    closing: threading.Event

    def answer(self, target: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
        """Return an envelope."""


def send(
    handler: BaseHTTPRequestHandler,
    envelope: dict[str, Any],
    status: int,
    faults: Sequence[Fault],
    owner: Owner,
) -> None:
    """Send an envelope, or what the faults make of it."""
    document: Any = envelope
    for fault in faults:
        if fault.kind in CHANGES and "values" in envelope:
            document = CHANGES[fault.kind](document, fault, handler, owner)
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    for fault in faults:
        if fault.kind in ("status", "redirect"):
            status = fault.status if fault.kind == "status" else 302
            headers |= fault.headers | ({"Location": fault.location} if fault.location else {})
            body = json.dumps({"detail": f"fault: {fault.kind} {status}"}).encode()
        elif fault.kind == "html":
            body, headers["Content-Type"] = HTML.encode(), "text/html; charset=utf-8"
        elif fault.kind == "not_json":
            body = body[: len(body) // 2]
        elif fault.kind == "latin1":
            body = json.dumps({**envelope, "note": "Göteborg"}, ensure_ascii=False).encode(
                "latin-1", "replace"
            )
        elif fault.kind == "oversize":
            body = body[:-1] + b" " * fault.size + b"}"
        elif fault.kind in ("gzip", "gzip_bomb"):
            grown = body if fault.kind == "gzip" else body[:-1] + b" " * fault.size + b"}"
            body, headers["Content-Encoding"] = gzip.compress(grown), "gzip"
    broken = next((fault for fault in faults if fault.kind in BREAKS), None)
    if broken is not None:
        BREAKS[broken.kind](handler, status, headers, body, broken, owner)
        handler.close_connection = True
        return
    _head(handler, status, headers | {"Content-Length": str(len(body))})
    handler.wfile.write(body)


def _head(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
    handler.send_response(status)
    for name, text in headers.items():
        handler.send_header(name, text)
    handler.end_headers()


def _empty(*_: object) -> Any:
    return {"values": [], "next_url": None, "previous_url": None, "count": 0}


def _count_total(document: Any, _fault: Fault, handler: BaseHTTPRequestHandler, owner: Owner) -> Any:
    total, page = 0, 1
    base = handler.path.split("&page=")[0].replace("?page=", "?_page=")
    while True:
        separator = "&" if "?" in base else "?"
        found = owner.answer(f"{base}{separator}page={page}")
        total += len(found["values"])
        if found["next_url"] is None:
            return {**document, "count": total}
        page += 1


CHANGES: dict[str, Any] = {
    "empty": _empty,
    "envelope": lambda document, *_: {"data": document["values"], "total": document["count"]},
    "next_host": lambda document, *_: {
        **document,
        "next_url": document["next_url"] and "http://kolada.invalid:1/v3/elsewhere?page=99",
    },
    "count_total": _count_total,
    "count_wrong": lambda document, *_: {**document, "count": document["count"] + 1},
    "change": lambda document, fault, *_: fault.change(document) if fault.change else document,
}


def _reset(handler: BaseHTTPRequestHandler, *_: object) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _stall(*details: Any) -> None:
    fault, owner = details[-2:]
    owner.closing.wait(fault.seconds)


def _truncate(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes, *_: object
) -> None:
    _head(handler, status, headers | {"Content-Length": str(len(body))})
    handler.wfile.write(body[: len(body) // 2])


def _chunk_abort(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes, *_: object
) -> None:
    _head(handler, status, headers | {"Transfer-Encoding": "chunked"})
    half = body[: len(body) // 2]
    handler.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))


def _drip(
    handler: BaseHTTPRequestHandler,
    status: int,
    headers: dict[str, str],
    body: bytes,
    *fault_and_owner: Any,
) -> None:
    fault, owner = fault_and_owner
    if fault.kind == "drip":
        _head(handler, status, headers | {"Content-Length": str(len(body))})
        stream = body
    else:
        stream = b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 60_000
    for position in range(len(stream)):
        if owner.closing.wait(DRIP_SECONDS):
            return
        handler.wfile.write(stream[position : position + 1])
        handler.wfile.flush()


BREAKS: dict[str, Any] = {
    "reset": _reset,
    "stall": _stall,
    "truncate": _truncate,
    "chunk_abort": _chunk_abort,
    "drip": _drip,
    "drip_headers": _drip,
}
