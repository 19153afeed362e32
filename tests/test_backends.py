"""The oracle on the JAX and PyTorch backends of Keras: once a topology, for JAX compiles slowly.

On TensorFlow `test_oracle.py` asks for more.
"""

import keras
import pytest
from test_oracle import HALF_PRECISION, check
from topologies import TOPOLOGIES, build

BACKEND = keras.backend.backend()
# What Keras 3.15 itself cannot run.
UNABLE = {
    ("jax", "vision_transformer_block"): "attention wants values as wide as keys",
    ("torch", "group_normalisation"): "LayerNormalization takes the last axes only",
    ("torch", "pixel_shuffle"): "slices go forwards only",
}
if BACKEND == "tensorflow":
    pytest.skip("TensorFlow is held to more in test_oracle.py", allow_module_level=True)


@pytest.mark.parametrize("name", sorted(TOPOLOGIES))
def test_topology(name):
    if (BACKEND, name) in UNABLE:
        pytest.skip(f"Keras on {BACKEND}: {UNABLE[BACKEND, name]}")
    scope = "layer" if len(name) % 2 else "global"
    check(build(name), 0.5, scope, HALF_PRECISION.get(name, 1e-5))


def test_tensorflow_is_not_needed():
    """Neither is it loaded where it is installed."""
    import sys

    assert "tensorflow" not in sys.modules
