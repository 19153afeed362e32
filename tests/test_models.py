"""The nets: their published sizes, flat graphs, and stored weights."""

from pathlib import Path

import keras
import numpy as np
import pytest

import tfprune
from tfprune import models
from tfprune.errors import FileError, ModelError
from tfprune.models.weights import read_npz, set_stored


def is_flat(model: keras.Model) -> bool:
    return isinstance(model.input, keras.KerasTensor) and not any(
        isinstance(layer, keras.Model) for layer in model.layers
    )


def convolution_macs(model: keras.Model) -> int:
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            total += int(np.prod(layer.output.shape[1:3])) * int(np.prod(layer.kernel.shape))
        if isinstance(layer, keras.layers.Dense):
            total += int(np.prod(layer.kernel.shape))
    return total


def test_resnet50() -> None:
    model = models.resnet50()
    assert model.count_params() == 23_591_810
    assert convolution_macs(model) == pytest.approx(3.856e9, rel=1e-3)
    assert is_flat(model)
    assert model.output.shape == (None, 2)
    published = keras.applications.ResNet50(weights=None, classes=2)
    ours = [layer.name for layer in model.layers if layer.name not in ("image", "preprocess")]
    assert ours == [layer.name for layer in published.layers[1:]]


def test_resnet18() -> None:
    model = models.resnet18()
    assert model.count_params() == 11_187_138
    assert convolution_macs(model) == pytest.approx(1.814e9, rel=1e-3)
    assert is_flat(model)
    assert [model.get_layer(f"conv{i}_block2_out").output.shape[1:] for i in (2, 3, 4, 5)] == [
        (56, 56, 64),
        (28, 28, 128),
        (14, 14, 256),
        (7, 7, 512),
    ]


def test_vgg16() -> None:
    model = models.vgg16((32, 32, 3))
    kernels = [la for la in model.layers if isinstance(la, keras.layers.Conv2D)]
    assert len(kernels) == 13
    assert sum(layer.filters for layer in kernels) == 4224
    assert [layer.units for layer in model.layers[-3:]] == [4096, 4096, 2]
    # At 224 pixels the first Dense layer reads 7 x 7 instead of 1 x 1 positions.
    assert model.count_params() + 48 * 512 * 4096 == 134_268_738
    assert is_flat(model)


def test_dcase2021() -> None:
    model = models.dcase2021()
    assert model.count_params() == 46_246
    assert convolution_macs(model) == pytest.approx(286.64e6, rel=1e-4)
    assert model.get_layer("flatten").output.shape == (None, 64)


# Keras 3.15 copies TensorFlow variables in a way that numpy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation")
def test_preprocessing_is_saved_with_the_model(tmp_path: Path) -> None:
    model = models.resnet50((32, 32, 3), classes=3, head_activation=None)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(np.asarray(model(images)), np.asarray(again(images)))


def stored(model: keras.Model, leave_out: str = "") -> dict[str, np.ndarray]:
    return {
        f"{layer.name}/{variable.name}": np.asarray(variable.value)
        for layer in model.layers
        for variable in layer.variables
        if layer.name != leave_out
    }


def test_preprocess_is_keras_own(tmp_path: Path) -> None:
    plain = models.resnet50((32, 32, 3), preprocess=False)
    np.savez(tmp_path / "w.npz", **stored(plain))
    inside = models.resnet50((32, 32, 3), weights=tmp_path / "w.npz")
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    outside = keras.applications.resnet50.preprocess_input(images.copy())
    np.testing.assert_allclose(
        np.asarray(inside(images)), np.asarray(plain(outside)), rtol=1e-4, atol=1e-6
    )


def tiny(classes: int = 2) -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(image)
    x = keras.layers.BatchNormalization(name="bn")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, keras.layers.Dense(classes, name="predictions")(x))


def test_classifier_may_be_absent_or_of_other_classes(tmp_path: Path) -> None:
    source, path = tiny(), tmp_path / "w.npz"
    for leave_out, classes in (("", 2), ("", 5), ("predictions", 2)):
        np.savez(path, **stored(source, leave_out))
        model = tiny(classes)
        before = model.get_layer("predictions").get_weights()[0]
        set_stored(model, read_npz(path), head=("predictions",))
        for name in ("conv", "bn"):
            pairs = zip(
                model.get_layer(name).get_weights(),
                source.get_layer(name).get_weights(),
                strict=True,
            )
            assert all(np.array_equal(one, other) for one, other in pairs)
        kept = np.array_equal(model.get_layer("predictions").get_weights()[0], before)
        assert kept == ((leave_out, classes) != ("", 2))


def test_weights_may_be_of_half_precision(tmp_path: Path) -> None:
    source = tiny()
    np.savez(tmp_path / "w.npz", **{k: v.astype("float16") for k, v in stored(source).items()})
    model = tiny()
    set_stored(model, read_npz(tmp_path / "w.npz"))
    kernel = source.get_layer("conv").get_weights()[0].astype("float16").astype("float32")
    np.testing.assert_array_equal(model.get_layer("conv").get_weights()[0], kernel)


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    weights, path = stored(tiny()), tmp_path / "w.npz"
    np.savez(path, **stored(tiny(), leave_out="bn"))
    with pytest.raises(FileError, match=r"'bn/gamma' in .*w.npz: these are another net's"):
        set_stored(tiny(), read_npz(path))
    np.savez(path, **stored(tiny(), leave_out="predictions"))
    with pytest.raises(FileError, match="'predictions/kernel'"):
        set_stored(tiny(), read_npz(path))
    weights["conv/kernel"] = weights["conv/kernel"][..., :3]
    np.savez(path, **weights)
    with pytest.raises(FileError, match=r"shape \(3, 3, 3, 4\).*received \(3, 3, 3, 3\)"):
        set_stored(tiny(), read_npz(path), head=("predictions",))


def test_files_that_are_not_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    for build in (models.resnet50, models.vgg16):
        with pytest.raises(FileError, match="does not exist"):
            build((32, 32, 3), weights=path)
    for content in (b"", b"no zip", b"PK\x03\x04 broken"):
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"expected an \.npz file of weights"):
            models.resnet50((32, 32, 3), weights=path)
    with path.open("wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(FileError, match="holds a single array"):
        models.resnet50((32, 32, 3), weights=path)


def test_imagenet_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**options: object) -> keras.Model:
        if options["weights"] == "imagenet":
            raise Exception("URL fetch failure on\nhttps://example.org")
        return keras.Model()

    monkeypatch.setattr(keras.applications, "ResNet50", offline)
    with pytest.raises(FileError, match=r"\.npz file .*URL fetch failure") as error:
        models.resnet50((32, 32, 3), weights="imagenet")
    assert "\n" not in str(error.value)


def test_impossible_shapes() -> None:
    for build in (models.resnet50, models.vgg16, models.resnet18):
        with pytest.raises(ModelError, match="at least 32 x 32"):
            build((16, 64, 3))
        with pytest.raises(ModelError, match="at least 1 class"):
            build((32, 32, 3), 0)
    with pytest.raises(ModelError, match=r"\(height, width, 3\)"):
        models.resnet50((32, 32, 1))
    with pytest.raises(ModelError, match=r"at least \(20, 500, 1\)"):
        models.dcase2021((40, 400, 1))


def test_shared_imagenet_weights(shared_data: Path) -> None:
    path = shared_data / "resnet50_imagenet" / "resnet50_notop_f16.npz"
    if not path.is_file():
        pytest.skip(f"needs the ImageNet weights: no file {path}")
    model = models.resnet50((64, 64, 3), weights=path)
    with np.load(path) as arrays:
        for name, turned in (("conv1_conv", True), ("conv4_block3_2_conv", False)):
            kernel = arrays[f"{name}/kernel"].astype("float32")
            np.testing.assert_array_equal(
                model.get_layer(name).get_weights()[0], kernel[:, :, ::-1] if turned else kernel
            )
        variance = model.get_layer("conv5_block3_3_bn").moving_variance
        np.testing.assert_array_equal(
            np.asarray(variance.value), arrays["conv5_block3_3_bn/moving_variance"]
        )


def test_mobilenet() -> None:
    model = models.mobilenet((32, 32, 3))
    assert model.count_params() == 219_058
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    np.testing.assert_allclose(model(x).numpy().sum(1), 1, rtol=1e-5)
    plan = tfprune.plan(model, ratio=0.5)
    assert tfprune.verify(model, tfprune.rebuild(model, plan), plan) < 1e-5
    with pytest.raises(ModelError, match="at least"):
        models.mobilenet((16, 16, 3))
