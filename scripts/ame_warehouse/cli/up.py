"""`ame up`: Airflow's page and scheduler on this machine, until Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Annotated

import typer

from ame_warehouse.errors import AmeError
from ame_warehouse.settings import Settings

READY_SECONDS = 180.0


def up(
    port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Port of the page, on 127.0.0.1 only.")
    ] = 8080,
    atlas_port: Annotated[
        int, typer.Option(min=1024, max=65535, help="Port of the atlas, on 127.0.0.1 only.")
    ] = 8081,
) -> None:
    """Start Airflow (page, scheduler, DAG processor, triggerer) and the atlas on loopback; Ctrl-C ends it."""
    from ame_warehouse.atlas import server as atlas
    from ame_warehouse.pipeline import airflow_home, locks
    from ame_warehouse.pipeline.server import AirflowServer
    from ame_warehouse.settings import load_settings

    settings = load_settings()
    airflow_home.make_directories(settings)

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    with locks.exclusive_run(settings, "ame up"):
        server = AirflowServer(settings, port)
        site = None
        try:
            site = _started(settings, atlas_port)
            sys.stderr.write("Starting Airflow (about half a minute) …\n")
            server.start()
            server.wait_until_ready(READY_SECONDS)
            typer.echo(f"Airflow is ready: {server.url}")
            typer.echo(f"  user:      admin; the password is in {server.password_file}")
            typer.echo(f"  data:      {settings.home} (sources: {settings.sources})")
            typer.echo(f"  logs:      {server.log_folder}")
            typer.echo("  runs:      what is due starts by itself; build_warehouse follows ingest_kolada")
            if site is not None:
                typer.echo(f"The atlas: {atlas.address(atlas_port)}")
            typer.echo("End both: Ctrl-C")
            sys.stdout.flush()
            while True:
                server.require_running()
                time.sleep(1)
        except KeyboardInterrupt:
            sys.stderr.write("\nEnding Airflow …\n")
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            server.stop()
            if site is not None:
                site.terminate()
                site.wait()
    sys.stderr.write("Airflow has ended.\n")


def _started(settings: Settings, port: int) -> subprocess.Popen[bytes] | None:
    """Start the atlas' server; Airflow does without it when its port is taken."""
    from ame_warehouse.atlas import build, server

    try:
        return server.start(build.default_folder(settings), port)
    except AmeError as error:
        sys.stderr.write(f"The atlas is not shown: {error}\n")
        return None
