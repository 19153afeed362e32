"""The net like VGGish: its size, and what it refuses."""

import pytest

from tfprune import models
from tfprune.errors import ModelError


def test_vggish_has_the_published_shape() -> None:
    model = models.vggish()
    convolutions = [layer for layer in model.layers if layer.name.startswith("conv")]
    assert [layer.filters for layer in convolutions] == [64, 128, 256, 256, 512, 512]
    assert sum(layer.count_params() for layer in convolutions) == 4_499_712
    assert model.get_layer("flatten").output.shape == (None, 6 * 4 * 512)
    assert model.count_params() == 55_361_162


def test_vggish_refuses_inputs_that_its_poolings_would_empty() -> None:
    with pytest.raises(ModelError, match=r"at least \(16, 16, 1\)"):
        models.vggish((96, 8, 1))
    assert models.vggish((16, 16, 1), classes=3).output.shape == (None, 3)
