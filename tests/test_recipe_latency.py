"""Timing of a study's nets: what cannot be converted is named and left out."""

import keras
import pytest

from tfprune.errors import ConversionError
from tfprune.recipes.common import latency
from tfprune.recipes.common.stages import Stages


def net(name: str) -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.Dense(2, name="head")(keras.layers.Flatten()(x))
    return keras.Model(image, x, name=name)


def test_a_net_that_cannot_be_converted_is_missing(tmp_path, monkeypatch) -> None:
    real, timed = latency.to_tflite, latency.benchmark

    def convert(model, path, *given, **more):
        if "broken" in str(path):
            raise ConversionError("it does not run")
        return real(model, path, *given, **more)

    monkeypatch.setattr(latency, "to_tflite", convert)
    monkeypatch.setattr(
        latency, "benchmark", lambda files, **given: timed(files, runs=2, warmup=1, memory=False)
    )
    stages = Stages(tmp_path, {})
    found = latency.measure(net, stages, ["whole", "broken"], 12, name="times")
    assert set(found) == {"whole", "machine"}
    assert found["whole"]["float32"]["speedup"] == pytest.approx(1)
    assert "it does not run" in stages.done("latency/broken")["failed"]


def test_weights_that_do_not_fit_another_size_are_new() -> None:
    small = net("small")
    large = latency.at_size(small, 12)
    assert large.output_shape == (None, 2)
    assert (
        large.get_layer("conv").get_weights()[0] == small.get_layer("conv").get_weights()[0]
    ).all()
    assert large.get_layer("head").kernel.shape == (400, 2)
