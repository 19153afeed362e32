"""The whole study at a size for a test: a tiny net in place of ResNet50."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from tfprune import cli
from tfprune.datasets import write_synthetic_stead
from tfprune.recipes.common import latency
from tfprune.recipes.earthquake import data as data_room
from tfprune.recipes.earthquake import nets, study
from tfprune.recipes.earthquake.detector import detect
from tfprune.recipes.earthquake.page import write_page
from tfprune.recipes.earthquake.record import Segment
from tfprune.recipes.earthquake.settings import Settings
from tfprune.recipes.earthquake.summary import summarise


def tiny(input_shape: tuple[int, int, int], classes: int = 2, weights: Any = None) -> keras.Model:
    """A stem, a residual block and a classifier; enough to be pruned by a tenth."""
    x = keras.Input(input_shape, name="image")
    y = layers.Rescaling(1 / 255, name="preprocess")(x)
    y = stem = layers.Conv2D(24, 3, strides=2, padding="same", activation="relu")(y)
    y = layers.Conv2D(24, 3, padding="same", use_bias=False)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.Add()([stem, layers.Conv2D(24, 3, padding="same")(y)])
    y = layers.GlobalAveragePooling2D()(layers.ReLU()(y))
    return keras.Model(x, layers.Dense(classes, "softmax")(y), name="tiny")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "resnet50", tiny)
    wanted, every = {"all_widths", "taught_90"}, nets.nets
    chosen = lambda settings: tuple(net for net in every(settings) if net.key in wanted)  # noqa: E731
    monkeypatch.setattr(study, "nets", chosen)
    monkeypatch.setattr(latency, "SIZE", 48)
    timed = latency.benchmark
    monkeypatch.setattr(
        latency, "benchmark", lambda files, **given: timed(files, runs=2, warmup=1, memory=False)
    )


@pytest.mark.once
def test_one_command_makes_the_page_and_goes_on_where_it_stopped(
    small: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = [tmp_path / "chunk1.hdf5", tmp_path / "chunk2.hdf5"]
    tables = [path.with_suffix(".csv") for path in data]
    write_synthetic_stead(data[0], tables[0], count=48, npts=1000, stations=8)
    write_synthetic_stead(data[1], tables[1], count=24, npts=1000, stations=4, seed=1)
    line = ["recipe", "earthquake", "--data", *map(str, data), "--csv", *map(str, tables)]
    line += ["--seeds", "1", "--image_size", "32", "--epochs", "1", "--retrain_epochs", "3"]
    monkeypatch.setattr(data_room, "_MOST_IN_MEMORY", 10)  # so that images are streamed
    line += ["--per_class", "24", "--magnitude", "0", "9", "--json"]
    line += ["--output", str(tmp_path / "run"), "--page", str(tmp_path / "page.md")]

    def interrupted(*given: object, **more: object) -> nets.Made:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nets, "_less", interrupted)
        assert cli.main(line) == 130
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*.json")}
    assert tmp_path / "run" / "seed0" / "all_widths.json" in kept
    assert cli.main(line) == 0
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())

    document = json.loads(capsys.readouterr().out.split("\n", 0)[-1])
    assert document["done"]
    rows = {row["key"]: row for row in document["rows"]}
    assert list(rows) == ["unpruned", "all_widths", "taught_90"]
    tested = {sum(map(sum, row["scores"]["confusion"])) for row in rows.values()}
    assert len(tested) == 1
    assert rows["all_widths"]["oracle"] < 1e-5
    assert rows["taught_90"]["parameters"] < 0.2 * rows["unpruned"]["parameters"]
    assert document["latency"]["unpruned"]["float32"]["speedup"] == pytest.approx(1)
    page = (tmp_path / "page.md").read_text()
    for part in (
        "99.405 %",
        "Confusion",
        "page.svg",
        "--seeds 1 --image_size 32",
        "--magnitude 0.0 9.0",
        "points lost",
    ):
        assert part in page
    assert (tmp_path / "page.svg").read_text().startswith("<?xml")
    assert json.loads((tmp_path / "page.json").read_text()) == document
    hear(tmp_path / "run" / "seed0")


def hear(folder: Path) -> None:
    """The files that the study leaves listen to a record."""
    samples = np.random.default_rng(0).normal(size=(4000, 3)).astype(np.float32)
    record = [Segment("XX.AA..HH", 0.0, samples)]
    found = [
        detect(folder / f"all_widths_{kind}.tflite", record, window=10, threshold=0.9999)[0]
        for kind in ("float32", "int8", "waveforms")
    ]
    assert [len(scan.starts) for scan in found] == [16, 16, 16]
    np.testing.assert_allclose(found[0].probabilities, found[2].probabilities, atol=0.02)


def entry(answers: list[float], **more: Any) -> dict[str, Any]:
    labels = [0, 0, 1, 1]
    return {"answers": answers, "labels": labels, "parameters": 10, "oracle": None, **more}


def test_the_summary_pairs_seeds_and_pools_answers() -> None:
    settings = Settings(seeds=2, image_size=32)
    results = {
        "unpruned": [entry([0.1, 0.2, 0.8, 0.9]), entry([0.1, 0.2, 0.8, 0.3])],
        "all_widths": [
            entry([0.1, 0.6, 0.8, 0.9], oracle=1e-7, cut=[0.5] * 4, int8=[0.1, 0.1, 0.9, 0.9]),
            entry([0.1, 0.2, 0.8, 0.9], oracle=2e-7, cut=[0.5] * 4, int8=[0.1, 0.1, 0.9, 0.9]),
        ],
    }
    whole = nets.Net("unpruned", "whole", lambda task: nets.Made(None))
    rows = summarise((whole, *nets.nets(settings)), results)
    assert [row.key for row in rows] == ["unpruned", "all_widths"]
    assert [row.accuracy.mean for row in rows] == [0.875, 0.875]
    assert (rows[1].lost.mean, rows[1].lost.sd) == (0, pytest.approx(25 * np.sqrt(2)))
    assert rows[1].int8_lost is not None
    assert rows[1].int8_lost.mean == -12.5
    assert rows[1].oracle == 2e-7
    assert rows[1].scores.confusion == ((3, 1), (0, 4))
    page = write_page(rows, {}, settings, "4 windows", "a command", None)
    assert "0.0 (-317.7 to 317.7)" in page
    assert "80.0 % (37.6 to 96.4)" in page  # precision: four of five
    assert "reaches beyond a point" in page
    assert summarise((whole,), {}) == []
