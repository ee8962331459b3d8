"""Wishes that cannot be met are refused before Airflow starts, and sources are not mixed by accident."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_project import build_without_dbt, land, make

from ame_warehouse.errors import SettingsError
from ame_warehouse.pipeline import airflow_home, build, runner
from ame_warehouse.pipeline.display import Display
from ame_warehouse.pipeline.runner import RunOptions
from ame_warehouse.publish.manifest import read_manifest
from ame_warehouse.settings import Settings


@pytest.mark.parametrize(
    ("options", "changes", "said"),
    [
        (RunOptions(measures=["U99999"]), {}, "U99999"),
        (RunOptions(municipalities=["9999"]), {}, "9999"),
        (RunOptions(years=[20222]), {}, "20222"),
        (RunOptions(), {"municipalities": "1480,9999"}, "9999"),
        (RunOptions(municipalities=["1480"]), {"municipalities": "G99999"}, "G99999"),
        (RunOptions(), {"municipalities": "0014,0000"}, "names no municipality"),
    ],
    ids=["measure", "municipality", "year", "AME_MUNICIPALITIES", "both", "no municipality in scope"],
)
def test_a_wish_that_cannot_be_met_is_said_at_once(
    *,
    options: RunOptions,
    changes: dict[str, str],
    said: str,
    make_settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def begun(*_: object) -> None:
        raise AssertionError("Airflow was prepared")

    monkeypatch.setattr(airflow_home, "prepare", begun)
    settings = make_settings(**changes)
    with pytest.raises(SettingsError, match=said) as caught:
        runner.run(settings, options, Display)
    assert caught.value.exit_code == 2
    assert not settings.home.exists()


def test_figures_of_the_sample_do_not_replace_live_ones_by_accident(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build.dbt_runner, "run_dbt", build_without_dbt)
    settings = make(tmp_path)
    land(settings, "f1", 300.0)

    def publish(**options: Any) -> None:
        version = build.plan_build(settings, **options)["version"]
        for step in ("check_landing", "run_dbt", "check_marts", "publish"):
            getattr(build, step)(settings, version)

    publish()
    before = read_manifest(settings)
    live = settings.model_copy(update={"sources": "live"})
    seeded = Settings(_env_file=None, home=settings.home, sources="live")
    for refused in (lambda: runner.run(seeded, RunOptions(), Display), lambda: build.plan_build(live)):
        with pytest.raises(SettingsError, match="AME_SOURCES=sample, not live") as caught:
            refused()
        assert "--switch-sources" in str(caught.value)
    assert read_manifest(settings) == before
    assert build.plan_build(live, switch_sources=True)["needed"]
