"""Converters kept silent: their pages are caught, and given back where they explain a failure."""

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import IO


class Caught:
    """What was written inside a `silenced` block, to be read after it."""

    def __init__(self) -> None:
        self.text = ""


@contextlib.contextmanager
def silenced() -> Iterator[Caught]:
    """Catches all that the block writes to standard output and error, native code's lines too.

    TensorFlow's converter writes from C++ straight to the process's streams 1 and 2, which
    `contextlib.redirect_stdout` does not reach; so the streams themselves are led elsewhere.
    What other threads write meanwhile is caught with it. Python's warnings are dropped.

    Yields:
        A `Caught`, whose `text` is filled when the block ends, however it ends.

    Example:
        >>> import os
        >>> with silenced() as caught:
        ...     print("from Python")
        ...     _ = os.write(1, b"from C++")
        >>> "from Python" in caught.text and "from C++" in caught.text
        True
    """
    caught = Caught()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as sink:
        try:
            with (
                warnings.catch_warnings(),
                _streams_to(sink),
                contextlib.redirect_stdout(sink),
                contextlib.redirect_stderr(sink),
            ):
                warnings.simplefilter("ignore")
                yield caught
        finally:
            sink.flush()
            sink.seek(0)
            caught.text = sink.read()


@contextlib.contextmanager
def _streams_to(sink: IO[str]) -> Iterator[None]:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    saved: list[tuple[int, int]] = []
    try:
        for stream_number in (1, 2):
            # A daemon may run with its streams closed: then there is nothing to lead elsewhere.
            with contextlib.suppress(OSError):
                saved.append((stream_number, os.dup(stream_number)))
                os.dup2(sink.fileno(), stream_number)
        yield
    finally:
        sink.flush()
        for stream_number, copy in saved:
            os.dup2(copy, stream_number)
            os.close(copy)
