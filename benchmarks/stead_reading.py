"""How fast STEAD's layout is read and drawn, whether it feeds training, and in how much memory.

    python benchmarks/stead_reading.py

Makes two files of STEAD's layout, of 5,000 and of 20,000 traces of 6000 x 3 (a quarter of a per
cent and 1.6 % of STEAD; 0.4 and 1.4 GB), in a temporary folder. A fresh process each reads the
waveforms, streams shuffled spectrograms, draws them into a cache and streams them from there; its
rate and its peak memory are taken. Beside them the rate at which ResNet50 and the pruned net train
on all cores. The files have just been written: they are read from memory, not from a disk.
"""

import argparse
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tfprune._files import write_text
from tfprune.datasets import (
    cache_images,
    iterate_waveforms,
    read_catalog,
    spectrogram_dataset,
)
from tfprune.datasets.earthquakes import earthquake, noise, station
from tfprune.report.tables import render
from tfprune.timing.machine import describe

COUNTS = (5_000, 20_000)
NPTS = 6000
SIZE = 96
PROTOTYPES = 64
STATIONS = 200
COLUMNS = ("trace_name", "trace_category", "receiver_code", "source_id", "source_magnitude")
COLUMNS += ("source_distance_km", "snr_db", "trace_start_time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--folder", help="keep the files here, and take those of an earlier call")
    parser.add_argument("--output", default="docs/results/stead_reading.json")
    parser.add_argument("--child", nargs=2, metavar=("TASK", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(TASKS[options.child[0]](Path(options.child[1]))))
        return
    rows = []
    with tempfile.TemporaryDirectory() as spare:
        folder = options.folder or spare
        for count in options.counts:
            path = Path(folder) / f"stead{count}.hdf5"
            if not path.exists():
                generate(path, count)
            for task in ("waveforms", "stream", "draw", "cached"):
                rows.append({"traces": count, "task": task, **asked(task, path)})
                print(rows[-1], flush=True)
        training = asked("train", Path(folder))
    print(training)
    document = {
        "command": "python benchmarks/stead_reading.py",
        "machine": str(describe()),
        "image_size": SIZE,
        "samples": NPTS,
        "rows": rows,
        "training": training,
        "feeds": {name: least(rows) / rate for name, rate in training["rates"].items()},
    }
    write_text(Path(options.output), json.dumps(document, indent=1) + "\n")
    heads = ("traces", "task", "per_second", "peak_mb")
    print(
        render(
            heads, [[f"{row[h]:,.0f}" if h != "task" else row[h] for h in heads] for row in rows]
        )
    )


def least(rows: list[dict[str, Any]]) -> float:
    """The rate of the slowest way to feed training from the largest file."""
    return min(r["per_second"] for r in rows[-4:] if r["task"] in ("stream", "cached"))


def asked(task: str, path: Path) -> dict[str, Any]:
    """What a process of its own finds."""
    line = [sys.executable, __file__, "--child", task, str(path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


# ---- the files ---------------------------------------------------------------------------


def generate(path: Path, count: int) -> None:
    """Writes traces that are a few made-up seismograms, shifted and scaled, and their CSV."""
    rng = np.random.default_rng(0)
    sites = [station(number, 0) for number in range(PROTOTYPES)]
    makers: tuple[Callable[..., Any], ...] = noise, earthquake
    made = [[make(site, NPTS, 0, n).samples for n, site in enumerate(sites)] for make in makers]
    began = time.perf_counter()
    with h5py.File(path, "w") as file, path.with_suffix(".csv").open("w", newline="") as stream:
        group, table = file.create_group("data"), csv.writer(stream)
        table.writerow(COLUMNS)
        for number in range(count):
            quake = number % 2
            row = described(number, quake, rng)
            samples = np.roll(made[quake][rng.integers(PROTOTYPES)], rng.integers(400), axis=0)
            trace = group.create_dataset(row[0], data=samples * np.float32(rng.uniform(0.5, 2)))
            for name, value in zip(COLUMNS, row, strict=True):
                trace.attrs[name] = value
            table.writerow(row)
    size = path.stat().st_size / 1e9
    print(f"{path.name}: {size:.2f} GB in {time.perf_counter() - began:.0f} s", flush=True)


def described(number: int, quake: int, rng: np.random.Generator) -> list[str]:
    site = f"S{rng.integers(STATIONS):03d}"
    name = f"{site}.XX_{20200101000000 + number}_{'EV' if quake else 'NO'}"
    category = "earthquake_local" if quake else "noise"
    source = [
        f"E{number // 4}",
        f"{rng.uniform(0, 5):.1f}",
        f"{rng.uniform(1, 110):.1f}",
        "[20 20 20]",
    ]
    return [name, category, site, *(source if quake else [""] * 4), "2020-01-01 00:00:00"]


# ---- what a process of its own does --------------------------------------------------------


def measured(count: int, began: float, **more: Any) -> dict[str, Any]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {"per_second": count / (time.perf_counter() - began), "peak_mb": peak, **more}


def waveforms(path: Path) -> dict[str, Any]:
    catalog = read_catalog(path.with_suffix(".csv"), path)
    began = time.perf_counter()
    count = sum(1 for _ in iterate_waveforms(path, catalog.trace_names))
    return measured(count, began)


def stream(path: Path) -> dict[str, Any]:
    catalog = read_catalog(path.with_suffix(".csv"), path)
    return passed(spectrogram_dataset(path, catalog, image_size=SIZE, shuffle=True))


def draw(path: Path) -> dict[str, Any]:
    catalog = read_catalog(path.with_suffix(".csv"), path)
    began = time.perf_counter()
    cache = cache_images(path, catalog, path.parent, image_size=SIZE)
    size = sum(shard.stat().st_size for shard in cache.folder.iterdir())
    return measured(len(cache), began, cache_bytes=size)


def cached(path: Path) -> dict[str, Any]:
    catalog = read_catalog(path.with_suffix(".csv"), path)
    return passed(cache_images(path, catalog, path.parent, image_size=SIZE).batches(shuffle=True))


def passed(dataset: Any) -> dict[str, Any]:
    """One pass; the time that filling the shuffle buffer takes is in it."""
    began = time.perf_counter()
    return measured(sum(len(labels) for _, labels in dataset), began)


def train(folder: Path) -> dict[str, Any]:
    """Images a second of training steps on all cores, images in memory."""
    import keras

    import tfprune
    from tfprune.models import resnet50

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (32, SIZE, SIZE, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[np.arange(32) % 2]
    whole = resnet50((SIZE, SIZE, 3), classes=2)
    nets = {"ResNet50": whole, "90 % of all widths removed": tfprune.prune(whole, ratio=0.9)}
    rates = {}
    for name, net in nets.items():
        net.compile("adam", "categorical_crossentropy")
        net.train_on_batch(images, labels)
        steps, began = 0, time.perf_counter()
        while steps < 3 or time.perf_counter() - began < 8:
            net.train_on_batch(images, labels)
            steps += 1
        rates[name] = 32 * steps / (time.perf_counter() - began)
    return {"rates": rates}


TASKS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "waveforms": waveforms,
    "stream": stream,
    "draw": draw,
    "cached": cached,
    "train": train,
}

if __name__ == "__main__":
    main()
