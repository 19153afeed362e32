"""Order, shape and refusals of the benchmark; no test asserts how long anything takes."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import tfprune.timing.benchmark as timing
from tfprune.convert import to_tflite
from tfprune.errors import DataError, FileError
from tfprune.timing import machine
from tfprune.timing.benchmark import benchmark
from tfprune.timing.cold import median_of, start
from tfprune.timing.raw import Cold
from tfprune.timing.runtimes import LiteRT
from tfprune.timing.worker import STATUS


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    made = []
    for name, width in (("wide", 64), ("slim", 8)):
        given = keras.Input((16, 16, 3))
        x = layers.Conv2D(width, 3, padding="same")(given)
        model = keras.Model(given, layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))
        made.append(to_tflite(model, folder / f"{name}.tflite").path)
    return made


class FakeClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FakeRuntime:
    """Models are files that hold the seconds a run takes; a run is written to the log."""

    name = "fake"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.log: list[str] = []

    def check(self, path):
        return Path(path)

    def load(self, path, threads):
        runtime, cost = self, float(Path(path).read_text())

        class Session:
            def run(self) -> None:
                runtime.log.append(Path(path).stem)
                runtime.clock.now += cost

        return Session()

    def macs(self, path):
        return None

    def peak_memory(self, path, threads):
        return 3_000_000


@pytest.fixture
def fake(tmp_path, monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr("time.perf_counter", clock)
    for name, cost in (("a", 0.5), ("b", 0.25), ("quick", 0.004)):
        (tmp_path / name).write_text(str(cost))
    return FakeRuntime(clock), tmp_path


def test_models_take_turns(fake):
    runtime, folder = fake
    benchmark([folder / "a", folder / "b"], runs=3, warmup=2, runtime=runtime)
    assert runtime.log == ["a", "a", "b", "b", *("a", "b") * 3]


def test_a_cheap_model_gets_more_runs_a_turn_after_untimed_ones(fake):
    runtime, folder = fake
    result = benchmark([folder / "a", folder / "quick"], runs=2, warmup=1, runtime=runtime)
    assert runtime.log == ["a", "quick", *("a", *["quick"] * 10) * 2]
    assert [row.runs for row in result.rows] == [2, 10]


def test_figures_come_from_the_timed_runs(fake):
    runtime, folder = fake
    result = benchmark([folder / "a", folder / "b"], runs=4, runtime=runtime)
    first, second = result.rows
    assert (first.median_ms, first.p10_ms, first.p90_ms, first.spread) == (500, 500, 500, 0)
    assert (first.speedup, first.speedup_low, first.speedup_high) == (1, 1, 1)
    assert (second.speedup, second.speedup_low, second.speedup_high) == (2, 2, 2)
    assert second.peak_memory_bytes == 3_000_000
    assert second.macs is None
    assert (result.runtime, result.rounds) == ("fake", 4)


def test_the_budget_ends_the_rounds_but_not_before_five(fake):
    runtime, folder = fake
    assert benchmark([folder / "a"], runs=50, seconds=1, runtime=runtime).rounds == 5
    assert benchmark([folder / "a"], runs=50, seconds=10, runtime=runtime).rounds == 20
    assert benchmark([folder / "a"], runs=3, seconds=1, runtime=runtime).rounds == 3


def test_warm_up_ends_after_two_seconds(fake):
    runtime, folder = fake
    benchmark([folder / "a"], runs=1, warmup=1000, runtime=runtime)
    assert len(runtime.log) == 4 + 1


def test_real_files_give_a_table_and_json(files):
    result = benchmark(files, threads=1, runs=3, warmup=1)
    table = str(result)
    for part in ("wide.tflite", "slim.tflite", "speed-up", "median ms", "p90", "spread", "LiteRT"):
        assert part in table
    given = json.loads(result.to_json())
    assert given == json.loads(json.dumps(result.as_dict()))
    assert [row["model"] for row in given["rows"]] == ["wide.tflite", "slim.tflite"]
    wide, slim = result.rows
    assert wide.macs == 16 * 16 * 3 * 9 * 64 + 64 * 4
    assert slim.macs == 16 * 16 * 3 * 9 * 8 + 8 * 4
    assert wide.bytes == files[0].stat().st_size
    assert wide.median_ms > 0
    assert wide.p10_ms <= wide.median_ms <= wide.p90_ms <= wide.p99_ms
    assert wide.cold_start_ms == wide.load_ms + wide.first_ms > 0
    assert given["rows"][0]["cold_start_ms"] == wide.cold_start_ms
    assert wide.sha256 == hashlib.sha256(files[0].read_bytes()).hexdigest()
    assert given["machine"]["litert"] != "none"
    if STATUS.exists():
        assert 0 < wide.peak_memory_bytes < 200e6
    else:
        assert wide.peak_memory_bytes is None


def test_one_path_will_do_and_memory_can_be_left_out(files):
    (row,) = benchmark(str(files[0]), runs=1, memory=False).rows
    assert row.peak_memory_bytes is None
    assert row.cold_start_ms is None


def test_several_starts_count_by_their_medians():
    starts = [Cold(1.0, 5.0, 10), Cold(3.0, 4.0, 30), Cold(2.0, 9.0, 20)]
    assert median_of(starts) == Cold(2.0, 5.0, 20, None)


def test_throughput_by_batch(files):
    result = benchmark(files, runs=2, warmup=1, memory=False, batches=(1, 4))
    for row in result.rows:
        assert [one.batch for one in row.throughput] == [1, 4]
        assert row.throughput[0].median_ms == pytest.approx(row.median_ms)
        for one in row.throughput:
            assert one.per_second == pytest.approx(one.batch / one.median_ms * 1e3)
    assert "rows a second" in str(result)


def test_a_model_that_mixes_rows_takes_no_batches(tmp_path):
    given = keras.Input((4, 3))
    model = keras.Model(given, keras.ops.reshape(given, (1, 12)))
    path = to_tflite(model, tmp_path / "m.tflite", samples=[np.zeros((1, 4, 3), "float32")]).path
    (row,) = benchmark(path, runs=1, memory=False, batches=(1, 2)).rows
    assert row.throughput[1].per_second is None
    assert row.throughput[1].refused
    assert "m.tflite" in str(row.throughput[1].refused)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux pins processes")
def test_cores_are_kept_and_given_back(fake):
    runtime, folder = fake
    before, seen = os.sched_getaffinity(0), []
    load = runtime.load
    runtime.load = lambda *given: seen.append(os.sched_getaffinity(0)) or load(*given)
    core = min(before)
    result = benchmark(folder / "a", runs=1, cores=(core,), runtime=runtime)
    assert seen == [{core}]
    assert os.sched_getaffinity(0) == before
    assert f"cores {core}" in str(result)
    with pytest.raises(DataError, match="expected cores out of"):
        benchmark(folder / "a", cores=(9999,), runtime=runtime)


def test_energy_is_of_one_run(fake, monkeypatch):
    class Meter:
        def begin(self) -> None:
            pass

        def end(self) -> dict[str, float]:
            return {"CPU 0": 6.0, "DRAM 0": 2.0}

    monkeypatch.setattr("tfprune.timing.joules.find_meter", Meter)
    runtime, folder = fake
    result = benchmark([folder / "a", folder / "b"], runs=1, runtime=runtime)
    # Half a second and a quarter of one fit two and four times into the second that is measured.
    assert [row.joules for row in result.rows] == [4.0, 2.0]
    assert "mJ" in str(result)
    (row,) = benchmark(folder / "a", runs=1, runtime=runtime, energy=False).rows
    assert row.joules is None


def test_files_of_one_name_are_told_apart(files, tmp_path):
    copy = tmp_path / "wide.tflite"
    copy.write_bytes(files[0].read_bytes())
    result = benchmark([files[0], copy], runs=1, memory=False)
    assert [row.model for row in result.rows] == [str(files[0]), str(copy)]
    same = benchmark([copy, copy], runs=1, memory=False)
    assert [row.model for row in same.rows] == ["wide.tflite"] * 2


def test_neither_tensorflow_nor_keras_is_loaded(files):
    code = (
        "import sys, tfprune.timing.benchmark as t\n"
        f"t.benchmark([{str(files[1])!r}], runs=1)\n"
        "sys.exit(bool({'tensorflow', 'keras'} & {m.split('.')[0] for m in sys.modules}))"
    )
    home = str(Path(timing.__file__).parents[2])
    subprocess.run([sys.executable, "-c", code], check=True, cwd=home, timeout=120)


def test_memory_grows_with_the_weights(tmp_path):
    if not STATUS.exists():
        pytest.skip("this system has no /proc/self/status")
    peaks = []
    for units in (8, 4096):
        model = keras.Sequential([keras.Input((1024,)), layers.Dense(units)])
        path = to_tflite(model, tmp_path / "m.tflite").path
        peaks.append(start(LiteRT(), path).peak_memory_bytes)
    # 4096 units hold 16.8 MB of weights more; the file's pages and packed copies may add more.
    assert peaks[1] - peaks[0] > 12e6


def test_the_machine_is_described():
    here = machine.describe()
    assert here.processor
    assert here.cores >= 1
    assert here.python in str(here)


class TestRefusals:
    def test_missing_and_foreign_files(self, tmp_path):
        with pytest.raises(FileError, match="found nothing"):
            benchmark([tmp_path / "none.tflite"])
        with pytest.raises(FileError, match="folder"):
            benchmark([tmp_path])
        for content in (b"", b"hello, this is no model"):
            (tmp_path / "m.tflite").write_bytes(content)
            with pytest.raises(FileError, match="TFL3"):
                benchmark([tmp_path / "m.tflite"])

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
    def test_truncated_files(self, files, tmp_path, share):
        content = files[0].read_bytes()
        cut = tmp_path / "cut.tflite"
        cut.write_bytes(content[: max(12, int(len(content) * share))])
        with pytest.raises((FileError, DataError), match=r"cut\.tflite"):
            benchmark([cut], memory=False)

    def test_numbers_out_of_range(self, files):
        for wrong in ({"threads": 0}, {"threads": 1.5}, {"runs": 0}, {"warmup": -1}):
            with pytest.raises(DataError, match=next(iter(wrong))):
                benchmark(files, **wrong)
        with pytest.raises(DataError, match="seconds"):
            benchmark(files, seconds=0)
        for wrong in ({"batches": ()}, {"batches": (0,)}, {"batches": (2, 2)}, {"starts": 0}):
            with pytest.raises(DataError, match=next(iter(wrong))[:5]):
                benchmark(files, **wrong)
        with pytest.raises(DataError, match="at least one"):
            benchmark([])

    def test_a_model_that_needs_flex(self, tmp_path):
        import tensorflow as tf

        from tfprune._silence import silenced
        from tfprune.convert.savedmodel import export

        given = keras.Input((4,))
        model = keras.Model(given, keras.ops.erf(given))
        with silenced():
            export(model, tmp_path / "saved", [(1, 4)])
            converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "saved"))
            converter.target_spec.supported_ops = [tf.lite.OpsSet.SELECT_TF_OPS]
            (tmp_path / "flex.tflite").write_bytes(converter.convert())
        with pytest.raises(DataError, match="FlexErf"):
            benchmark([tmp_path / "flex.tflite"])
