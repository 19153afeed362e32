"""ONNX to TensorRT: guards, and the builder's calls with stand-ins for TensorRT and the driver.

No GPU was at hand: what the real builder makes of it is not tested here.
"""

import sys

import keras
import pytest
from export_nets import image_net, images
from fake_tensorrt import Driver, module

from tfprune.convert import to_onnx, to_tensorrt
from tfprune.convert.onnx.read import read_inputs
from tfprune.convert.tensorrt import device, engine
from tfprune.errors import ConversionError, DataError, FileError, MissingExtraError


@pytest.fixture
def driver(monkeypatch):
    found = Driver()
    monkeypatch.setattr(device.ctypes, "CDLL", lambda name: found)
    return found


@pytest.fixture(scope="module")
def onnx_file(tmp_path_factory):
    keras.utils.set_random_seed(3)
    return to_onnx(image_net(), tmp_path_factory.mktemp("onnx") / "m.onnx").path


def use(monkeypatch, **settings):
    trt = module(**settings)
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    return trt


@pytest.mark.parametrize(("version", "flags"), [("8.6.1", 1), ("10.3.0", 0)])
def test_an_engine_of_an_onnx_file(tmp_path, monkeypatch, driver, onnx_file, version, flags):
    trt = use(monkeypatch, version=version)
    artifact = to_tensorrt(
        onnx_file,
        tmp_path / "m.engine",
        "FP16",
        min_shapes=(1, 8, 8, 3),
        opt_shapes=(4, 8, 8, 3),
        max_shapes=(8, 8, 8, 3),
        samples=images(6),
        workspace_bytes=1 << 20,
    )
    assert trt.seen.network_flags == flags
    assert trt.seen.config.flags == ["fp16"]
    assert trt.seen.config.workspace == ("workspace", 1 << 20)
    (profile,) = trt.seen.config.profiles
    assert profile.shapes == {"image": ((1, 8, 8, 3), (4, 8, 8, 3), (8, 8, 8, 3))}
    assert artifact.path.read_bytes() == onnx_file.read_bytes()
    assert artifact.largest_error < 1e-5
    assert (artifact.samples, artifact.precision, artifact.inputs) == (6, "FP16", ("image",))
    assert not driver.blocks
    assert driver.calls.count("retain") == driver.calls.count("release") == 1


def test_int8_of_an_onnx_file_is_calibrated(tmp_path, monkeypatch, driver, onnx_file):
    trt = use(monkeypatch)
    to_tensorrt(
        onnx_file,
        tmp_path / "m.engine",
        "INT8",
        representative_data=[images(10)],
        max_shapes=(4, 8, 8, 3),
    )
    assert trt.seen.config.flags == ["fp16", "int8"]
    assert [size for size, *_ in trt.seen.calibrated] == [4, 4, 4]
    assert trt.seen.config.calibration_profile is trt.seen.config.profiles[0]
    with pytest.raises(DataError, match="needs representative_data"):
        to_tensorrt(onnx_file, tmp_path / "m.engine", "INT8")
    use(monkeypatch, version="11.0.0")
    with pytest.raises(ConversionError, match="calibrates no more"):
        to_tensorrt(onnx_file, tmp_path / "m.engine", "INT8", representative_data=[images(4)])


def test_int8_of_a_keras_model_says_itself_what_is_int8(tmp_path, monkeypatch, driver):
    trt = use(monkeypatch)
    x = images(8)
    artifact = to_tensorrt(image_net(), tmp_path / "m.engine", "INT8", representative_data=x)
    assert trt.seen.config.int8_calibrator is None
    assert not trt.seen.calibrated
    assert read_inputs(artifact.path).quantized
    assert artifact.largest_error < artifact.tolerance


class TestAWrongEngineNeverShips:
    def test_another_model(self, tmp_path, monkeypatch, driver, onnx_file):
        model = image_net()
        model.get_layer("classes").kernel.assign(model.get_layer("classes").kernel * 3)
        use(monkeypatch, corrupt=to_onnx(model, tmp_path / "o.onnx").path.read_bytes())
        (tmp_path / "o.onnx").unlink()
        with pytest.raises(ConversionError, match="TensorRT FP32 file differs"):
            to_tensorrt(onnx_file, tmp_path / "m.engine")
        assert not list(tmp_path.iterdir())
        assert not driver.blocks

    @pytest.mark.parametrize(
        ("refuse", "message"),
        [
            ("parse", "cannot read the ONNX graph: node 3: unsupported"),
            ("build", "cannot build the engine in FP16"),
            ("slow", "no fast FP16"),
        ],
    )
    def test_what_tensorrt_refuses(self, tmp_path, monkeypatch, driver, onnx_file, refuse, message):
        use(monkeypatch, refuse=refuse)
        with pytest.raises(ConversionError, match=message):
            to_tensorrt(onnx_file, tmp_path / "m.engine", "FP16")
        assert not list(tmp_path.iterdir())


class TestGuards:
    def test_this_machine_is_told_what_it_lacks(self, tmp_path, monkeypatch, onnx_file):
        monkeypatch.setitem(sys.modules, "tensorrt", None)
        with pytest.raises(MissingExtraError, match="pip install tensorrt"):
            to_tensorrt(onnx_file, tmp_path / "m.engine")

    def test_no_driver_and_no_gpu(self, tmp_path, monkeypatch, onnx_file):
        use(monkeypatch)

        def missing(name):
            raise OSError(name)

        monkeypatch.setattr(device.ctypes, "CDLL", missing)
        with pytest.raises(ConversionError, match=r"driver \(libcuda\.so\.1\) cannot be loaded"):
            to_tensorrt(onnx_file, tmp_path / "m.engine")
        monkeypatch.setattr(device.ctypes, "CDLL", lambda name: Driver(gpus=0))
        with pytest.raises(ConversionError, match="sees no GPU"):
            to_tensorrt(onnx_file, tmp_path / "m.engine")

    def test_a_driver_that_refuses(self, driver):
        with (
            device.Device(driver) as gpu,
            pytest.raises(ConversionError, match="refuses cuMemAlloc_v2: error 2"),
        ):
            gpu.allocate(1 << 31)

    def test_files(self, tmp_path, monkeypatch, driver, onnx_file):
        use(monkeypatch)
        with pytest.raises(ConversionError, match="'INT4'"):
            to_tensorrt(onnx_file, tmp_path / "m.engine", "INT4")
        with pytest.raises(FileError, match="found none"):
            to_tensorrt(tmp_path / "none.onnx", tmp_path / "m.engine")
        bad = tmp_path / "bad.onnx"
        bad.write_bytes(onnx_file.read_bytes()[:100])
        with pytest.raises(FileError, match="as ONNX, it may be damaged"):
            to_tensorrt(bad, tmp_path / "m.engine")
        with pytest.raises(DataError, match=r"expected shape \(None, 8, 8, 3\)"):
            to_tensorrt(onnx_file, tmp_path / "m.engine", samples=[images(2)[:, :5]])
        assert engine.TOLERANCE["FP32"] == 1e-3


def test_a_tolerance_below_zero_is_refused_first(tmp_path):
    with pytest.raises(ConversionError, match="expected a tolerance of 0 or more, received -1"):
        to_tensorrt(tmp_path / "absent.onnx", tmp_path / "m.engine", tolerance=-1)
