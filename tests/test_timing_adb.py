"""Timing over adb, against a program that stands in for adb: no telephone was asked."""

# ruff: noqa: E501  (a program's output as it prints it)

import os
from pathlib import Path

import keras
import pytest
from keras import layers

from tfprune.convert import to_tflite
from tfprune.errors import DataError, DeviceError
from tfprune.timing.benchmark import benchmark
from tfprune.timing.devices import Adb, device_at
from tfprune.timing.devices.benchmark_model import read_output

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices are spoken to by POSIX tools")

# As benchmark_model of 2021 prints it, and (below) as newer releases do.
OLD = """\
STARTING!
Num threads: [4]
Graph: [/data/local/tmp/m.tflite]
Loaded model /data/local/tmp/m.tflite
INFO: Initialized TensorFlow Lite runtime.
The input model file size (MB): 16.9008
Initialized session in 17.187ms.
Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
count=1 curr=3512391

Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
count=50 first=2990275 curr=2913402 min=2727568 max=3189954 avg=2.95034e+06 std=109798

Inference timings in us: Init: 17187, First inference: 3512391, Warmup (avg): 3.51239e+06, Inference (avg): 2.95034e+06
Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE to the actual memory footprint of the model at runtime. Take the information at your discretion.
Memory footprint delta from the start of the tool (MB): init=4.21094 overall=46.0859
"""
NEW = """\
INFO: count=3 first=211000 curr=209000 min=209000 max=211000 avg=210000 std=900 p5=209000 median=210500 p95=211000
INFO: count=25 first=187533 curr=140990 min=140071 max=195121 avg=145528 std=13583 p5=140545 median=141253 p95=187533
INFO: Inference timings in us: Init: 92318, First inference: 187533, Warmup (avg): 211669, Inference (avg): 145528
INFO: Memory footprint delta from the start of the tool (MB): init=54.2852 overall=73.4102
"""

# Each call of the program takes a little longer than the last; the second model is the faster.
ADB = """\
#!/bin/sh
printf '%s\\n' "$*" >> "$NOTES"
while [ "$1" = -s ]; do shift 2; done
case "$*" in
  get-state) echo device;;
  push*) test -f "$2";;
  *cpuinfo*) printf 'processor : 0\\nprocessor : 1\\nFeatures : fp asimd asimddp\\nHardware : Chip\\n';;
  *ro.product.model*) echo "Telephone 7";;
  *ro.soc.model*) echo "SoC 9";;
  *release*) echo 14;;
  *abi*) echo arm64-v8a;;
  *scaling_governor*) echo schedutil;;
  *--graph*)
    calls=$(grep -c -- --graph "$NOTES")
    case "$*" in *0.tflite*) base=20000;; *) base=10000;; esac
    echo "count=10 first=9 curr=9 min=9 max=9 avg=9 std=0 p5=9 median=$((base + calls)) p95=9"
    echo "Inference timings in us: Init: 1500, First inference: 2500, Warmup (avg): 9, Inference (avg): 9"
    echo "Memory footprint delta from the start of the tool (MB): init=1.5 overall=3.25";;
esac
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    given = keras.Input((4,))
    names = ("a.tflite", "b.tflite")
    return [to_tflite(keras.Model(given, layers.Dense(3)(given)), folder / n).path for n in names]


@pytest.fixture
def phone(tmp_path, monkeypatch) -> Path:
    (tmp_path / "benchmark_model").write_bytes(b"a program")
    _adb(tmp_path, ADB)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    return tmp_path


def _adb(folder: Path, text: str) -> None:
    (folder / "adb").write_text(text)
    (folder / "adb").chmod(0o755)


def test_models_take_turns_on_the_telephone(files, phone):
    device = Adb(str(phone / "benchmark_model"), "R5", ("--use_gpu=true",))
    result = benchmark(files, device=device, threads=4, runs=50, cores=(4, 5))
    first, second = result.rows
    # Calls 1, 3, 5, 7, 9 and 2, 4, 6, 8, 10: the middle ones are the fifth and the sixth.
    assert first.median_ms == pytest.approx(20.005)
    assert second.median_ms == pytest.approx(10.006)
    assert second.speedup == pytest.approx(2.0, rel=1e-3)
    assert (first.load_ms, first.first_ms, first.peak_memory_bytes) == (1.5, 2.5, 3_250_000)
    assert first.macs == 12
    assert "median of each turn" in first.runtime
    assert result.machine.processor == "Telephone 7, SoC 9"
    assert result.machine.system == "Android 14 arm64-v8a"
    assert result.machine.flags == ("asimd", "asimddp")
    assert result.machine.governor == "schedutil"
    notes = (phone / "notes").read_text().splitlines()
    assert all(line.startswith("-s R5 ") for line in notes)
    timed = [line for line in notes if "--graph" in line]
    assert [line.split(".tflite")[0][-1] for line in timed] == ["0", "1"] * 5
    for part in ("taskset 30 ", "--num_threads=4", "--num_runs=10", "--use_gpu=true"):
        assert part in timed[0]
    assert any("rm -f" in line for line in notes)


def test_old_and_new_output():
    old, new = read_output(OLD), read_output(NEW)
    assert (old.seconds, old.is_median) == (2.95034, False)
    assert (old.load_ms, old.first_ms, old.memory_bytes) == (17.187, 3512.391, 46_085_900)
    assert (new.seconds, new.is_median) == (0.141253, True)
    assert new.memory_bytes == 73_410_200


def test_a_program_that_fails(files, phone):
    _adb(
        phone,
        ADB.replace("*--graph*)", "*--graph*) echo 'Failed to apply delegate'; exit 0;;\n *x)"),
    )
    with pytest.raises(DeviceError, match="no timings: Failed to apply delegate"):
        benchmark(files, device=Adb())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("error: no devices/emulators found", "plug one in"),
        ("error: device unauthorized.", "allow USB debugging"),
        ("error: device offline", "plug it in again"),
        ("error: more than one device/emulator", "say which one"),
        ("error: device 'R5' not found", "check the serial"),
        ("something else", "something else"),
    ],
)
def test_refusals(files, phone, said, expected):
    _adb(phone, f'#!/bin/sh\necho "{said}" >&2\nexit 1\n')
    with pytest.raises(DeviceError, match=expected):
        benchmark(files, device="adb:R5")


def test_full_storage(files, phone):
    fails = "push*) echo 'remote write failed: No space left on device' >&2; exit 1;;"
    _adb(phone, ADB.replace('push*) test -f "$2";;', fails))
    with pytest.raises(DeviceError, match="storage is full"):
        benchmark(files, device=Adb(str(phone / "benchmark_model")))


def test_what_is_missing_here(files, phone, tmp_path, monkeypatch):
    with pytest.raises(DataError, match="found nothing at /nowhere"):
        benchmark(files, device=Adb("/nowhere"))
    keras.Sequential([keras.Input((2,)), layers.Dense(1)]).save(tmp_path / "m.keras")
    with pytest.raises(DataError, match=r"expected \.tflite files"):
        benchmark(tmp_path / "m.keras", device=Adb())
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(DeviceError, match="needs the program adb"):
        benchmark(files, device="adb")


def test_addresses():
    assert device_at("adb").name == "adb"
    assert device_at("adb:192.168.1.7:5555").serial == "192.168.1.7:5555"
    with pytest.raises(DataError, match="adb or adb:SERIAL"):
        device_at("adb:a b")
