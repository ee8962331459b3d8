"""A site of AF that works, to be spoiled by a test."""

import pytest
from af_bad_days import files

from ame_warehouse.arbetsformedlingen import http
from ame_warehouse.sample.af_server import AfServer, Site
from ame_warehouse.settings import Settings


@pytest.fixture
def site():
    return Site(files())


@pytest.fixture
def server(site):
    with AfServer(site) as running:
        yield running


@pytest.fixture
def settings(tmp_path, server, monkeypatch):
    monkeypatch.setattr(http, "POLITE_RPS", 1e6)
    return Settings(
        home=tmp_path / "home",
        sources="live",
        af_url=server.url(),
        kolada_attempts=2,
        kolada_backoff=0.0,
        kolada_timeout=2.0,
    )
