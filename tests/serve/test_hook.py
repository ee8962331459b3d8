"""The step `publish` of the pipeline: PostgreSQL is part of it, and never the end of it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.serve.postgres_server import World
from tests.unit.tiny_project import build_without_dbt, land, make

from ame_warehouse.pipeline import build
from ame_warehouse.publish.manifest import read_manifest


def test_publish_serves_and_a_failure_is_an_incident(
    world: World, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)
    settings = make(tmp_path / "tiny").model_copy(update={"serve_dsn": world.dsn})

    def run(dsn: str, value: float) -> dict[str, Any]:
        used = settings.model_copy(update={"serve_dsn": dsn})
        land(used, f"f{value:g}", value)
        plan = build.plan_build(used)
        assert plan["needed"]
        for step in ("check_landing", "run_dbt", "check_marts", "publish", "announce"):
            plan[step] = getattr(build, step)(used, plan["version"])
        body = read_manifest(used)
        assert body
        assert body["version"] == plan["version"]
        return plan

    first = run(world.dsn, 300.0)
    assert first["publish"]["postgres"]["status"] == "published"
    assert world.rows("select version from quality.publication", "ame_reader") == [(first["version"],)]

    second = run("host=/nowhere password=hemligt", 400.0)
    assert second["publish"]["postgres"]["status"] == "failed"
    assert "cannot be reached" in second["publish"]["postgres"]["error"]
    assert len(second["announce"]["opened"]) == 1
    assert world.rows("select version from quality.publication", "ame_reader") == [(first["version"],)]

    plan = build.plan_build(settings)
    assert plan["needed"] is False
    assert world.rows("select version from quality.publication", "ame_reader") == [(second["version"],)]
