"""What becomes of the channels of every Keras layer: measured, and written as docs/support.md.

    python benchmarks/support.py                            # all probes: some 6 minutes
    KERAS_BACKEND=jax python benchmarks/support.py --add    # those that TensorFlow cannot run
    python benchmarks/support.py --render                   # the page again, from the JSON

The probes are those of tests/probes.py; each is pruned three ways, saved, read back, and compared
with the masked original. The exit status is 1 if a number is wrong or an error has no name.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one order of summation, run after run
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # the probes

import keras
from probes import PROBES, here
from probing import Case, Probe, measure
from support_table import COMMANDS, DOCS, as_json, render, row

from tfprune._files import write_text

CASES = (Case(0.5, "layer"), Case(0.8, "layer"), Case(0.3, "global"))
SEED = 20260801
PLACES = {(probe.subject, probe.variant): place for place, probe in enumerate(PROBES)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--add", action="store_true", help="measure only what the JSON lacks")
    parser.add_argument("--render", action="store_true", help="measure nothing")
    parser.add_argument("--json", type=Path, default=DOCS / "results" / "support.json")
    parser.add_argument("--page", type=Path, default=DOCS / "support.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    document = empty()
    if options.add or options.render:
        document = json.loads(options.json.read_text(encoding="utf-8"))
    failed = [] if options.render else measured(document, options.json)
    write_text(options.page, render(document))
    for line in failed:
        print(line)
    return 1 if failed else 0


def empty() -> dict[str, Any]:
    cases = [vars(case) for case in CASES]
    return {"commands": COMMANDS, "versions": [], "seed": SEED, "cases": cases, "rows": []}


def measured(document: dict[str, Any], path: Path) -> list[str]:
    """Measures all probes that a document lacks, and writes it after each; returns what failed."""
    version = f"Keras {keras.__version__} on {keras.backend.backend()}"
    document["versions"] = sorted({*document["versions"], version})
    failed = []
    for probe in lacking(document["rows"]):
        try:
            document["rows"].append(one(probe))
        except Exception as error:  # noqa: BLE001  (whatever it is, the next probe runs)
            failed.append(f"FAILED {probe.name}: {type(error).__name__}: {error}")
            print(failed[-1], flush=True)
            continue
        write_text(path, as_json(document))
        print(probe.name, document["rows"][-1]["status"], flush=True)
    document["rows"].sort(key=_place)
    write_text(path, as_json(document))
    return failed


def lacking(rows: list[dict[str, Any]]) -> list[Probe]:
    """The probes without a row; on other backends only those that TensorFlow cannot run."""
    known = {(row["subject"], row["variant"]) for row in rows}
    first = keras.backend.backend() == "tensorflow"
    return [
        probe
        for probe in here()
        if (probe.subject, probe.variant) not in known
        and (first or "tensorflow" not in probe.backends)
    ]


def _place(row: dict[str, Any]) -> int:
    """Rows stand in the order of the probes, whenever they were measured."""
    return PLACES.get((row["subject"], row["variant"]), len(PLACES))


def one(probe: Probe) -> dict[str, Any]:
    keras.utils.set_random_seed(SEED)
    with tempfile.TemporaryDirectory() as folder:
        return row(probe, measure(probe, CASES, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
