"""TensorFlow's advice against building many functions, kept from runs that build many models."""

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def no_retracing_advice() -> Iterator[None]:
    """Drops the warnings of "tf.function retracing" from TensorFlow's log inside the block.

    Each smaller model is compiled anew, which is the purpose; to TensorFlow it looks like a loop
    that forgot to keep its function.
    """
    log = logging.getLogger("tensorflow")
    log.addFilter(_is_other)
    try:
        yield
    finally:
        log.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
