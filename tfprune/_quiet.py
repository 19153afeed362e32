"""Native libraries kept from the screen: what they chat is dropped, what they cry is shown."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

# Runs as a process of its own, since a thread would die unread with an aborting library, and
# could not run while native code holds Python's lock. It must not import tfprune.
_FILTER = r"""
import re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
chat = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog"
    rb"|[IW]\d{4} \d\d:\d\d:\d\d"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IW] "
    rb"|INFO: "
    rb"|.*Unable to register cu\w+ factory"
    rb"|.*failed call to cuInit"
    rb"|To enable the following instructions:"
)
for line in sys.stdin.buffer:
    if not chat.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


@contextlib.contextmanager
def quiet_native_logs() -> Iterator[None]:
    """Drops what native libraries write to the standard error stream for information.

    TensorFlow 2.21 logs a dozen lines while it loads, from C++ code that no environment variable
    silences. Inside the block, the process's stream 2 runs through a filter that drops lines of
    level INFO and WARNING and passes all else; Python's `sys.stderr` goes around it, untouched.
    """
    before = sys.stderr
    before.flush()
    real = os.dup(2)
    filtering = _start_filter()
    direct = os.fdopen(os.dup(real), "w", buffering=1, errors="backslashreplace")
    if before is sys.__stderr__:
        sys.stderr = direct
    try:
        yield
    finally:
        sys.stderr = before
        direct.close()
        os.dup2(real, 2)
        os.close(real)
        # A process started inside the block may still hold the stream: it must not hold us.
        with contextlib.suppress(subprocess.TimeoutExpired):
            filtering.wait(timeout=5)


def _start_filter() -> subprocess.Popen[bytes]:
    """Starts the filter, which writes to today's stream 2, and puts its input in that place."""
    reading, writing = os.pipe()
    filtering = subprocess.Popen([sys.executable, "-I", "-S", "-c", _FILTER], stdin=reading)
    os.close(reading)
    os.dup2(writing, 2)
    os.close(writing)
    return filtering
