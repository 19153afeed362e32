"""What runs on a device: reads a job, times its models, writes what came of it.

Together with the modules that it imports it travels as one file (`devices/bundle.py`), so it may
import nothing but them, numpy and the runtime, and must run on Python 3.10.
"""

import json
from pathlib import Path
from typing import Any

from tfprune.errors import TfpruneError
from tfprune.timing.gather import Entry, gather
from tfprune.timing.job import Job
from tfprune.timing.runtimes.choice import named


def main(asked: str, answer: str) -> None:
    """Reads the job at `asked`, `{"job", "models": [{"path", "runtime"}]}`, and writes `answer`.

    The answer is a `RawRun` as a dictionary, or `{"error", "message"}`.
    """
    given = json.loads(Path(asked).read_text(encoding="utf-8"))
    done: dict[str, Any]
    try:
        entries = [_entry(one["path"], one["runtime"]) for one in given["models"]]
        # Multiply-accumulates are counted at home.
        done = gather(entries, Job.from_dict(given["job"]), macs=False).as_dict()
    except TfpruneError as error:
        done = {"error": type(error).__name__, "message": str(error)}
    Path(answer).write_text(json.dumps(done), encoding="utf-8")


def _entry(path: str, runtime: str) -> Entry:
    chosen = named(runtime)
    return Entry(chosen.check(path), chosen)
