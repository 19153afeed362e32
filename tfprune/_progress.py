"""Progress of long work, on a terminal's error stream."""

import sys
from collections.abc import Generator, Iterable, Sized
from contextvars import ContextVar
from typing import TypeVar

Item = TypeVar("Item")

_SHOWN: ContextVar[bool] = ContextVar("tfprune_progress_shown", default=False)


def track(items: Iterable[Item], description: str) -> Generator[Item, None, None]:
    """Passes items on and shows how many there were, where somebody is watching.

    Work inside work that is shown already is not: two displays would overwrite one another.
    """
    if _SHOWN.get() or not sys.stderr.isatty():
        yield from items
        return
    from rich import progress as rich
    from rich.console import Console

    columns: list[str | rich.ProgressColumn] = [rich.SpinnerColumn(), "{task.description}"]
    columns += [rich.MofNCompleteColumn(), rich.TimeElapsedColumn()]
    if isinstance(items, Sized):
        columns += ["left", rich.TimeRemainingColumn()]
    _SHOWN.set(True)
    try:
        with rich.Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            yield from progress.track(items, description=description)
    finally:
        _SHOWN.set(False)
