"""Tables a person can read."""

import io
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table


def render(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> str:
    """Returns a plain-text table; numbers are set to the right, everything else to the left.

    Args:
        columns: the head of each column.
        rows: one sequence a row, as long as `columns`. Format numbers before you pass them.
        title: a line above the table. Defaults to none.

    Example:
        >>> print(render(["layer", "kept"], [["conv1", "7"], ["conv2", "12"]]))
        <BLANKLINE>
          layer   kept
         ──────────────
          conv1      7
          conv2     12
        <BLANKLINE>
    """
    body = [[str(cell) for cell in row] for row in rows]
    table = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", title_style="")
    for index, head in enumerate(columns):
        cells = [row[index] for row in body]
        table.add_column(head, justify="right" if _all_numbers(cells) else "left")
    for row in body:
        table.add_row(*row)
    out = io.StringIO()
    # Wide enough that no cell is folded: a pipe or a log has no width of its own.
    plain = Console(
        file=out, width=10_000, color_system=None, markup=False, highlight=False, emoji=False
    )
    plain.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip("\n").split("\n"))


def _all_numbers(cells: Sequence[str]) -> bool:
    return all(any(c.isdigit() for c in cell) and not cell[0].isalpha() for cell in cells if cell)
