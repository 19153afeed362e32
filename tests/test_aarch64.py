"""The device's runner and shipped models on another processor, emulated, against this one.

`benchmarks/aarch64/setup.sh build/aarch64` makes what is needed; without it the tests skip.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROJECT = Path(__file__).resolve().parent.parent
ROOT = Path(os.environ.get("TFPRUNE_AARCH64", PROJECT / "build" / "aarch64"))
EMULATOR = "qemu-aarch64"
MODELS = PROJECT / "tflite_models"

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(
        not (shutil.which(EMULATOR) and (ROOT / "site").exists()),
        reason=f"needs benchmarks/aarch64/setup.sh {ROOT.name}",
    ),
]


def answers(line: list[str], site: Path | None = None) -> np.ndarray:
    environment = {**os.environ, "PYTHONPATH": str(site)} if site else None
    done = subprocess.run(line, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (output,) = json.loads(done.stdout)["answers"][0].values()
    return np.array(output["values"])


@pytest.mark.parametrize(
    ("model", "shape", "apart"),
    [
        ("resnet8_cifar10_macs75_float32", (32, 32, 3), 1e-5),
        ("resnet8_cifar10_macs75_int8", (32, 32, 3), 2 / 256),
        ("earthquake_widths10_waveforms_float32", (2800, 3), 1e-4),
    ],
)
def test_a_shipped_model_answers_as_it_does_here(model, shape, apart, tmp_path):
    draw = np.random.default_rng(0)
    values = draw.integers(0, 256, shape) if shape[0] == shape[1] else draw.normal(size=shape)
    np.save(tmp_path / "x.npy", values.astype(np.uint8 if shape[0] == shape[1] else np.float32))
    line = [str(MODELS / "run.py"), str(MODELS / f"{model}.tflite"), str(tmp_path / "x.npy")]
    line += ["--json", "--runs", "1"]
    here = answers([sys.executable, *line])
    emulated = [EMULATOR, "-L", str(ROOT), str(ROOT / "usr" / "bin" / "python3.11")]
    there = answers([*emulated, *line], ROOT / "site")
    assert np.ptp(here) > 0.01
    np.testing.assert_allclose(there, here, atol=apart)
