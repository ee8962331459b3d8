"""Receivers on loopback, and a home with a published version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from receivers import MailServer, Webhook
from simulated import publish

from ame_warehouse.settings import Settings


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as server:
        yield server


@pytest.fixture
def home(make_settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """Return a function that gives settings with a published version."""

    def make(*urls: str, **more: Any) -> Settings:
        settings = make_settings(alert_urls=",".join(urls), **more)
        publish(settings)
        return settings

    return make
