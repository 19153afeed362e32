"""What every test shares: quiet backends, fixed seeds, and the way to the real data."""

import os
from importlib.util import find_spec
from pathlib import Path

# Read once, when TensorFlow's library is loaded: they must stand before any test imports it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one order of summation, run after run
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("MPLBACKEND", "Agg")
if os.environ.get("KERAS_BACKEND") == "jax":
    # It compiles each operation for each shape: no program here runs long enough to be worth much.
    os.environ.setdefault(
        "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    )

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

# Tests of what runs on every backend of Keras (`make test-backends`); the rest need TensorFlow.
EVERY_BACKEND = {
    "test_backends.py",
    "test_channels_first.py",
    "test_criteria_weights.py",
    "test_filter_pruning.py",
    "test_graph.py",
    "test_plan.py",
    "test_rebuild.py",
    "test_saved_models.py",
    "test_schedules.py",
    "test_stop_on_drop.py",
    "test_timing_keras.py",
    "test_workers.py",
}

# What the tests of TensorFlow share, of the modules that hold no test.
NEED_TENSORFLOW = {"fake_tensorrt.py"}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leaves out the tests that need TensorFlow where there is none."""
    if find_spec("tensorflow") is not None:
        return None
    name = collection_path.name
    if name in NEED_TENSORFLOW:
        return True
    return (name.startswith("test_") and name not in EVERY_BACKEND) or None


# The same examples in every run, and no deadline: a first call into Keras is slow.
settings.register_profile(
    "tfprune",
    derandomize=True,
    deadline=None,
    max_examples=50,
)
settings.load_profile("tfprune")


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """Seeds Python, numpy and Keras before each test."""
    import keras

    keras.utils.set_random_seed(20260801)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, from TFPRUNE_SHARED_DATA or `../shared/data`; skips without it."""
    named = os.environ.get("TFPRUNE_SHARED_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the real data: no folder {folder} (set TFPRUNE_SHARED_DATA to it)")
    return folder
