"""Airflow on this machine: the components of `airflow standalone`, on loopback, in process groups that end.

`airflow standalone` itself opens the scheduler's and the triggerer's log servers (ports 8793, 8794) on all
interfaces and leaves children behind when it is ended; here the components run without log servers (the
page reads the logs from the disk) and are ended with everything they started.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ame_warehouse.errors import AmeError
from ame_warehouse.pipeline import airflow_home
from ame_warehouse.settings import Settings

HOST = "127.0.0.1"
HEALTH_PARTS = {"scheduler": "scheduler", "dag-processor": "dag_processor", "triggerer": "triggerer"}
END_SECONDS = 20.0


class AirflowServer:
    """Airflow's components as child processes; use `start`, `wait_until_ready`, `stop`."""

    def __init__(self, settings: Settings, port: int, *, with_triggerer: bool = True) -> None:
        """Prepare to serve the page on `port` of the loopback interface."""
        self.settings = settings
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log_folder = settings.airflow_home / "logs"
        self.password_file = settings.airflow_home / "simple_auth_manager_passwords.json.generated"
        self.commands = {
            "api-server": ["api-server", "--host", HOST, "--port", str(port), "--workers", "1"],
            "scheduler": ["scheduler", "--skip-serve-logs"],
            "dag-processor": ["dag-processor"],
        }
        if with_triggerer:
            self.commands["triggerer"] = ["triggerer", "--skip-serve-logs"]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self) -> dict[str, str]:
        """Return the environment of every component."""
        return {
            **os.environ,
            **airflow_home.environment(self.settings),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
        }

    def log_path(self, component: str) -> Path:
        """Return the log of one component."""
        return self.log_folder / f"{component}.log"

    def start(self) -> None:
        """Prepare the home, then start every component; raise `AmeError` when the port is taken."""
        require_free_port(self.port)
        airflow_home.make_directories(self.settings)
        environment = self.environment()
        self._prepare(environment)
        for component, arguments in self.commands.items():
            with self.log_path(component).open("ab") as log:
                self.processes[component] = subprocess.Popen(
                    [sys.executable, "-m", "airflow", *arguments],
                    env=environment,
                    cwd=self.settings.project,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def _prepare(self, environment: dict[str, str]) -> None:
        """Make the metadata database in a process of its own: Airflow's modules need 150 MB."""
        log_path = self.log_path("prepare")
        with log_path.open("ab") as log:
            done = subprocess.run(
                [sys.executable, "-m", "ame_warehouse.pipeline.airflow_home"],
                env=environment,
                cwd=self.settings.project,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise AmeError(
                "Airflow's metadata database could not be made",
                found=f"exit status {done.returncode}",
                source=str(log_path),
                action="read the end of that log; removing AME_HOME/airflow starts Airflow's history anew",
            )

    def wait_until_ready(self, seconds: float, on_wait: Callable[[], None] | None = None) -> None:
        """Wait until every component is healthy; raise `AmeError` when one ends or time is up."""
        deadline = time.monotonic() + seconds
        while not self.is_healthy():
            self.require_running()
            if time.monotonic() > deadline:
                raise AmeError(
                    "Airflow did not become ready",
                    expected=f"healthy components within {seconds:.0f} s",
                    found=json.dumps(self.health()) or "no answer",
                    source=str(self.log_folder),
                    action="read the logs of the components there",
                )
            if on_wait is not None:
                on_wait()
            time.sleep(0.5)
        if self.password_file.exists():
            self.password_file.chmod(0o600)

    def health(self) -> dict[str, Any]:
        """Return what the API server says of itself and the others; empty while it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/monitor/health", timeout=5) as answer:  # noqa: S310
                body: dict[str, Any] = json.load(answer)
                return body
        except (OSError, ValueError, urllib.error.URLError):
            return {}

    def is_healthy(self) -> bool:
        """True when every component that was started reports itself healthy."""
        health = self.health()
        parts = [HEALTH_PARTS[name] for name in self.commands if name in HEALTH_PARTS]
        return bool(health) and all((health.get(part) or {}).get("status") == "healthy" for part in parts)

    def require_running(self) -> None:
        """Raise `AmeError` when a component has ended by itself."""
        for component, process in self.processes.items():
            if process.poll() is not None:
                raise AmeError(
                    f"Airflow's {component} has ended",
                    found=f"exit status {process.returncode}",
                    source=str(self.log_path(component)),
                    action="read the end of that log",
                )

    def stop(self) -> None:
        """End every component and all that they started; waits, then ends by force what is left."""
        sessions = {process.pid for process in self.processes.values()}
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + END_SECONDS
        while time.monotonic() < deadline and any(p.poll() is None for p in self.processes.values()):
            time.sleep(0.1)
        # Tasks run in process groups of their own, but every component's children stay in its session.
        while left := _members(sessions):
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in self.processes.values():
                process.poll()
            time.sleep(0.1)
        for process in self.processes.values():
            process.wait()
        self.processes = {}


def _members(sessions: set[int]) -> list[int]:
    """Return the processes that belong to one of the sessions; those that have ended do not count."""
    import psutil  # type: ignore[import-untyped]

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) in sessions and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def require_free_port(port: int) -> None:
    """Raise `AmeError` when `port` of the loopback interface cannot be listened on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as exc:
            raise AmeError(
                f"port {port} of this machine is taken",
                expected=f"a free port on {HOST}",
                found=str(exc),
                action="end the program that uses it (another `ame up`?), or choose another port: "
                "`ame up --help` says how",
            ) from exc
