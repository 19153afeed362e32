"""What every test shares: a quiet TensorFlow, fixed seeds, and the way to the real data."""

import os
from pathlib import Path

# Read once, when TensorFlow's library is loaded: they must stand before any test imports it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one order of summation, run after run
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from hypothesis import settings

REPOSITORY = Path(__file__).resolve().parent.parent

# The same examples in every run, and no deadline: a first call into Keras is slow.
settings.register_profile(
    "tfprune",
    derandomize="TFPRUNE_GRAPHS" not in os.environ,  # a long hunt looks elsewhere each time
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
