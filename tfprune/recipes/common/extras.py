"""Libraries that only the recipes need, asked for before long work begins."""

import importlib
from typing import Any

from tfprune.errors import MissingExtraError


def require(name: str, purpose: str) -> Any:
    """Imports and returns a library of the extra `recipes`.

    Args:
        name: of the module.
        purpose: what it is needed for, to be told where it is missing.

    Raises:
        MissingExtraError: it is not installed.

    Example:
        >>> require("json", "writing").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        library = name.partition(".")[0]
        raise MissingExtraError(
            f"{purpose} needs {library}, which is not installed: pip install 'tfprune[recipes]'"
        ) from error
