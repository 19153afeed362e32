"""Pages of results in Markdown."""

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table in Markdown.

    Args:
        head: of each column.
        rows: one sequence a row, as long as the head. Format numbers before you pass them.

    Example:
        >>> print(markdown_table(["net", "MB"], [["small", "0.3"]]))
        | net | MB |
        |---|---|
        | small | 0.3 |
    """
    body = [[str(cell).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in body]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)


def percent(value: float, digits: int = 1) -> str:
    """A share in per cent, with a digit after the point.

    Example:
        >>> percent(0.9553), percent(float("nan"))
        ('95.5 %', '-')
    """
    return "-" if value != value else f"{100 * value:.{digits}f} %"


def between(low: float, high: float, digits: int = 1) -> str:
    """An interval of shares in per cent; "-" where there is none.

    Example:
        >>> between(0.931, 0.972), between(float("nan"), float("nan"))
        ('93.1 to 97.2', '-')
    """
    if low != low:
        return "-"
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}"
