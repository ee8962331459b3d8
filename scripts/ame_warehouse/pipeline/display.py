"""Show a run while it goes on: a live line per step on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self, TextIO

LABELS = {
    "prepare_airflow": "Prepare Airflow",
    "fetch_kolada": "Fetch from Kolada",
    "parse_landing": "Landing to observations",
    "fetch_af": "Fetch from Arbetsförmedlingen",
    "parse_af": "Workbooks to observations",
    "plan_build": "Plan the build",
    "check_landing": "Check what has landed",
    "run_dbt": "Build and test the marts (dbt)",
    "check_marts": "Check the marts (Great Expectations)",
    "publish": "Publish",
    "as_of": "Build the marts as they were known",
    "announce": "Announce",
    "make_atlas": "Make the atlas",
    "reparse": "Read the landing again",
    "dbt_docs": "Build the documentation",
    "serve": "Bring PostgreSQL up to date",
    "put_back": "Put the version in place",
    "compare": "Compare",
    "clean": "Clean up",
}


def label(step: str) -> str:
    """Return the step's name as a person says it."""
    return LABELS.get(step, step.replace("_", " "))


class Display:
    """An observer of steps that writes to `stream`; use it as a context manager."""

    def __init__(self, stream: TextIO) -> None:
        """Choose live or plain display by whether `stream` is a terminal."""
        self._stream = stream
        self._since: dict[str, float] = {}
        self._tasks: dict[str, Any] = {}
        self._progress: Any = _live_progress(stream) if stream.isatty() else None

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop; what was shown stays on the screen."""
        if self._progress is not None:
            self._progress.stop()

    def started(self, step: str) -> None:
        """Show that a step has begun."""
        self._since[step] = time.monotonic()
        if self._progress is not None:
            self._tasks[step] = self._progress.add_task(label(step), total=None, state="")

    def advanced(self, step: str, done: int, total: int | None) -> None:
        """Show how far a step is (on a terminal only: a log needs no bar)."""
        if self._progress is not None and step in self._tasks:
            count = f"{done}/{total}" if total else str(done)
            self._progress.update(self._tasks[step], completed=done, total=total, state=count)

    def finished(self, step: str, result: dict[str, Any]) -> None:
        """Show that a step has ended well."""
        self._end(step, _outcome(step, result), "green", "done")

    def failed(self, step: str, error: BaseException) -> None:  # noqa: ARG002
        """Show that a step has failed; the message itself follows after the display."""
        self._end(step, "failed", "red", "FAILED")

    def _end(self, step: str, text: str, style: str, word: str) -> None:
        seconds = time.monotonic() - self._since.get(step, time.monotonic())
        if self._progress is not None:
            self._progress.update(
                self._tasks[step], total=1, completed=1, state=f"[{style}]{text or 'done'}[/{style}]"
            )
            self._progress.stop_task(self._tasks[step])
        else:
            detail = f" ({text})" if text and text != "failed" else ""
            self._stream.write(f"{word:>6}  {seconds:6.1f} s  {label(step)}{detail}\n")
            self._stream.flush()


def _live_progress(stream: TextIO) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description:<38}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
        console=Console(file=stream, force_terminal=True),
    )


def _outcome(step: str, result: dict[str, Any]) -> str:
    """Return a few words about what a step did, as far as its result says so."""
    match step:
        case "fetch_kolada":
            counts = ", ".join(f"{n} {outcome}" for outcome, n in result.get("measures", {}).items() if n)
            return f"{result.get('requests', 0)} requests; measures: {counts or 'none'}"
        case "parse_landing":
            return f"{result.get('observations', 0)} new values, {result.get('unchanged', 0)} unchanged"
        case "plan_build":
            return str(result.get("version") if result.get("needed") else result.get("reason", ""))
    return ""
