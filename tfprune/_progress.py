"""Progress of long work, on a terminal's error stream."""

import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")

_SHOWN: ContextVar[bool] = ContextVar("tfprune_progress_shown", default=False)


def track(items: Iterable[Item], description: str) -> Iterator[Item]:
    """Passes items on and shows how many there were, where somebody is watching.

    Work inside work that is shown already is not: two displays would overwrite one another.
    """
    if _SHOWN.get() or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), "{task.description}", MofNCompleteColumn(), TimeElapsedColumn())
    _SHOWN.set(True)
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield from progress.track(items, description=description)
    finally:
        _SHOWN.set(False)
