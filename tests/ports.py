"""Ports of the loopback for servers of the tests."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
BELOW_THE_SYSTEMS_OWN = range(20_000, 32_000)  # the system gives those from 32768 on to any connection


def free_port() -> int:
    """Return a port that nobody listens at, and that no connection gets by chance before it is used."""
    numbers = random.SystemRandom()
    while True:
        port = numbers.choice(BELOW_THE_SYSTEMS_OWN)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
