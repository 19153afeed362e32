"""The cosine criterion on VGGish shapes against the published algorithms, written as published.

    python benchmarks/cosine.py

Needs scipy, whose cosine distance the published loops call. Each round draws six kernels anew and
gives the same ones to all three: the loops over filters and pairs (Singh & Plumbley, Interspeech
2022), their fast version that fills in the similarities from nine columns (Nystrom; ICASSP 2023;
nine are exact for 3x3 kernels), and ours. Where distances tie all three go by the filters' order:
the published code leaves that to the machine's sort. All run on one thread, on which the small
decompositions of the published code are fastest.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Read once, when numpy's library is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


from tfprune._files import write_text
from tfprune.recipes.scenes.published import VGGISH_SHAPES, by_loops, by_nystrom, by_us, drawn
from tfprune.report.tables import render
from tfprune.timing.machine import describe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", default="docs/results/cosine.json")
    options = parser.parse_args()
    by_us(drawn(0)[0])  # warms up
    rounds = [measure(seed) for seed in range(options.rounds)]
    results = {
        "command": "python benchmarks/cosine.py",
        "machine": str(describe()),
        "shapes": [list(shape) for shape in VGGISH_SHAPES],
        "rounds": options.rounds,
        "seeds": list(range(options.rounds)),
        "filters": sum(shape[-1] for shape in VGGISH_SHAPES),
        "kept": [found["kept"] for found in rounds],
        "same_kept_set": all(found["same"] for found in rounds),
        "rows": [row(rounds, name) for name in ("loops", "nystrom", "tfprune")],
    }
    write_text(Path(options.output), json.dumps(results, indent=1) + "\n")
    rows = [[str(value) for value in values.values()] for values in results["rows"]]
    print(render(["algorithm", "median s", "least", "most", "faster than the loops"], rows))
    print(f"the same kept set: {results['same_kept_set']}")


def row(rounds: list[dict[str, Any]], name: str) -> dict[str, Any]:
    seconds = [found[name] for found in rounds]
    return {
        "algorithm": name,
        "seconds": round(statistics.median(seconds), 4),
        "least": round(min(seconds), 4),
        "most": round(max(seconds), 4),
        "speedup": round(statistics.median(found["loops"] / found[name] for found in rounds), 1),
    }


def measure(seed: int) -> dict[str, Any]:
    kernels = drawn(seed)
    reference, loops = seconds(lambda: [by_loops(kernel) for kernel in kernels])
    approximate, nystrom = seconds(lambda: [by_nystrom(kernel) for kernel in kernels])
    ours, fast = seconds(lambda: [by_us(kernel) for kernel in kernels])
    return {
        "loops": loops,
        "nystrom": nystrom,
        "tfprune": fast,
        "kept": sum(len(kept) for kept in ours),
        "same": reference == ours == approximate,
    }


def seconds(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begun


if __name__ == "__main__":
    main()
