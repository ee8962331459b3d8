"""A bar on a terminal while a command works: for work that a person would wait for, two seconds or more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def shown(step: str) -> Iterator[None]:
    """Show `step` (a key of `display.LABELS`) with a bar and its time for the block, on stderr.

    Nothing is written when stderr is no terminal. Errors go on to the caller.
    """
    from ame_warehouse.pipeline.display import Display

    if not sys.stderr.isatty():
        yield
        return
    with Display(sys.stderr) as display:
        display.started(step)
        try:
            yield
        except BaseException as error:
            display.failed(step, error)
            raise
        display.finished(step, {})
