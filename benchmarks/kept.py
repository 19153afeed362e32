"""A file that keeps what was measured, line by line, so that a long benchmark can go on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tfprune._files import write_text


def kept_or_measured(path: Path | None, key: list[Any], measure: Callable[[], Any]) -> Any:
    """What the file holds under the key; or else what is measured now, which it holds then.

    Args:
        path: JSON lines, each a key and what was found; made when it is missing. None for no file.
        key: plain values in a list.
        measure: called where the file has nothing; its answer must be plain.
    """
    lines = path.read_text().splitlines() if path and path.exists() else []
    for line in lines:
        name, found = json.loads(line)
        if name == key:
            return found
    found = measure()
    print(*key, found, flush=True)
    if path:
        write_text(path, "\n".join([*lines, json.dumps([key, found])]) + "\n")
    return found
