"""Every runtime that can run here: what it takes, what it gives, how it refuses."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from tfprune.convert import to_tflite
from tfprune.errors import DataError, FileError, MissingExtraError
from tfprune.timing.benchmark import benchmark
from tfprune.timing.hosting import Worker
from tfprune.timing.macs_onnx import count_macs
from tfprune.timing.runtimes.choice import NAMES, named, of_file
from tfprune.timing.runtimes.inputs import closed, noise
from tfprune.timing.runtimes.keras_tensorflow import TensorFlow
from tfprune.timing.runtimes.protocol import Host
from tfprune.timing.runtimes.saved_model import SavedModel, TfTrt

MACS = 8 * 8 * 2 * 9 * 4 + 4 * 3


def net() -> keras.Model:
    given = keras.Input((8, 8, 2), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(given)
    return keras.Model(given, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A net in every form that has a runtime."""
    made = tmp_path_factory.mktemp("forms")
    model = net()
    model.save(made / "net.keras")
    to_tflite(model, made / "net.tflite")
    model.export(made / "saved", verbose=False)
    return made


@pytest.fixture(scope="module")
def onnx_file(folder) -> Path:
    """The net as ONNX, written node by node: no converter takes part."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.normal(size=(4, 2, 3, 3)).astype("float32"),
        "dense": rng.normal(size=(4, 3)).astype("float32"),
    }
    nodes = [
        helper.make_node("Conv", ["image", "kernel"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["y"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "dense"], ["answer"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", 1, ["batch", 2, 8, 8])],
        [helper.make_tensor_value_info("answer", 1, ["batch", 3])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    versions = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=versions, ir_version=8)
    onnx.save(model, folder / "net.onnx")
    return folder / "net.onnx"


class TestChoice:
    def test_files_choose_their_runtime(self, folder, tmp_path):
        (tmp_path / "engines").mkdir()
        (tmp_path / "engines" / "saved_model.pb").write_bytes(b"..TRTEngineOp..")
        paths = ["a.tflite", "a.keras", "a.h5", "a.onnx", folder / "saved", tmp_path / "engines"]
        keras_name = "keras-tensorflow-graph"
        expected = ["litert", keras_name, keras_name, "onnx", "savedmodel", "tftrt"]
        assert [of_file(path).spec for path in paths] == expected

    @pytest.mark.parametrize("name", NAMES)
    def test_a_name_makes_what_bears_it(self, name):
        assert named(name).spec == name

    def test_short_names(self):
        short = {"keras": "tensorflow-graph", "keras-jax": "jax-xla", "keras-torch": "torch-eager"}
        for name, whole in short.items():
            assert named(name).spec == f"keras-{whole}"

    @pytest.mark.parametrize("name", ["", "lite", "keras-", "keras-mxnet", "keras-torch-xla"])
    def test_unknown_names(self, name):
        if name == "keras-":
            assert named(name).spec == "keras-tensorflow-graph"
            return
        with pytest.raises(DataError, match="expected a runtime out of litert"):
            named(name)

    def test_as_many_runtimes_as_models(self, folder):
        with pytest.raises(DataError, match="as many as models"):
            benchmark([folder / "net.tflite"], runtime=["litert", "litert"])


def test_runtimes_of_one_run_take_turns(folder, onnx_file):
    """Three runtimes, two processes, one table; Keras is asked once, since it loads for long."""
    files = [folder / "net.tflite", folder / "net.tflite", onnx_file, folder / "net.keras"]
    names = ["litert", "litert-compiled", "onnx", "keras"]
    result = benchmark(files, runtime=names, runs=2, warmup=1, memory=False, batches=(1, 3))
    assert [row.macs for row in result.rows] == [MACS] * 4
    for row, part in zip(result.rows, ("LiteRT", "Compiled", "ONNX Runtime", "graph"), strict=True):
        assert part in row.runtime
        assert row.median_ms > 0
        assert [one.refused for one in row.throughput] == ["", ""]
    assert "runtime" in str(result)


def test_cold_starts_of_other_runtimes(folder, onnx_file):
    files = [folder / "net.tflite", onnx_file]
    rows = benchmark(files, runtime=["litert-compiled", "onnx"], runs=1, starts=2).rows
    assert all(row.load_ms > 0 and row.first_ms > 0 for row in rows)


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_keras_on_tensorflow_runs_the_model(mode):
    model, seen = net(), []
    given = keras.ops.ones((2, 8, 8, 2))
    run = TensorFlow().ready(_Watched(model, seen), given, mode)
    run()
    run()
    # Traced once or called each time; always for inference, and with what was given.
    assert len(seen) == (2 if mode == "eager" else 1)
    assert seen[0] == ((2, 8, 8, 2), False)
    assert TensorFlow().device() == "CPU"
    assert TensorFlow().device_memory() is None


class _Watched:
    def __init__(self, model, seen) -> None:
        self.model, self.seen = model, seen

    def __call__(self, x, training):
        self.seen.append((tuple(x.shape), training))
        return self.model(x, training=training)


class TestSavedModels:
    def test_the_signature_runs_by_its_names(self, folder, monkeypatch):
        monkeypatch.setattr(TensorFlow, "use_threads", lambda self, threads: None)
        session = SavedModel().load(folder / "saved", 1, batch=2)
        session.run()
        assert "SavedModel, TensorFlow" in session.place
        assert session.first_seconds > 0

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(FileError, match=r"saved_model\.pb"):
            benchmark(tmp_path, runtime="savedmodel")

    def test_damaged(self, tmp_path, monkeypatch):
        monkeypatch.setattr(TensorFlow, "use_threads", lambda self, threads: None)
        (tmp_path / "saved_model.pb").write_bytes(b"no protocol buffer")
        with pytest.raises(FileError, match="cannot load"):
            SavedModel().load(tmp_path, 1)

    @pytest.mark.parametrize(
        ("built", "why"), [(False, "was built without TensorRT"), (True, "sees none")]
    )
    def test_tf_trt_says_what_is_missing(self, monkeypatch, built, why):
        import tensorflow as tf

        monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_tensorrt_build": built})
        with pytest.raises(DataError, match=why):
            TfTrt().prepare()


class TestOnnx:
    def test_multiply_accumulates(self, onnx_file):
        assert count_macs(onnx_file) == MACS

    def test_loops_are_not_guessed(self, tmp_path):
        onnx = pytest.importorskip("onnx")
        helper = onnx.helper
        value = helper.make_tensor_value_info("x", 1, [2, 1, 3])
        node = helper.make_node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=2)
        arrays = {"w": np.zeros((1, 8, 3), "float32"), "r": np.zeros((1, 8, 2), "float32")}
        parts = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
        out = helper.make_tensor_value_info("h", 1, [1, 1, 2])
        onnx.save(
            helper.make_model(helper.make_graph([node], "g", [value], [out], parts)),
            tmp_path / "m.onnx",
        )
        assert count_macs(tmp_path / "m.onnx") is None

    def test_refusals(self, folder, onnx_file, tmp_path):
        (tmp_path / "bad.onnx").write_bytes(b"nothing of the kind")
        with pytest.raises(FileError, match="cannot load"):
            benchmark(tmp_path / "bad.onnx", memory=False)
        with pytest.raises(FileError, match=r"named \*\.onnx"):
            benchmark(folder / "net.tflite", runtime="onnx")
        with pytest.raises(DataError, match="no CUDAExecutionProvider"):
            benchmark(onnx_file, runtime="onnx-cuda")


class TestInputs:
    def test_open_sizes(self):
        assert closed((None, 3), 2, "m") == (2, 3)
        assert closed(("batch", 3), 2, "m") == (2, 3)
        assert closed((2, 3), 2, "m") == (2, 3)
        with pytest.raises(DataError, match="leaves sizes"):
            closed((1, None), 1, "m")
        with pytest.raises(DataError, match="batches of 1 only"):
            closed((1, 3), 2, "m")

    def test_values(self):
        rng = np.random.default_rng(0)
        assert noise((500,), "int8", rng, full=True).min() < -100
        assert set(noise((50,), "int64", rng, full=False)) == {0, 1}
        assert noise((50,), "float16", rng, full=True).dtype == np.float16
        assert noise((50,), "bool", rng, full=True).dtype == bool
        with pytest.raises(DataError, match="inputs of numbers"):
            noise((1,), "S3", rng, full=False)


class TestOtherProcesses:
    def test_an_error_comes_home_as_what_it_was(self, tmp_path):
        worker = Worker(Host())
        asked = {"runtime": "litert", "threads": 1, "batch": 1}
        with pytest.raises(FileError, match="found nothing"):
            worker.ask("open", path=str(tmp_path / "none.tflite"), **asked)
        # It lives on, and knows nothing of what it was never asked.
        with pytest.raises(DataError, match="AttributeError"):
            worker.ask("dance")
        worker.close()

    def test_a_process_that_dies_is_told_of(self, tmp_path):
        if sys.platform == "win32":
            pytest.skip("needs a program written as a shell script")
        python = tmp_path / "python"
        python.write_text("#!/bin/sh\necho no such backend >&2\nexit 3\n")
        python.chmod(0o755)
        worker = Worker(Host(str(python)))
        with pytest.raises(DataError, match=r"m\.keras ended with exit code 3: no such backend"):
            worker.ask("cold", path="m.keras")
        worker.close()

    def test_no_such_python(self, folder):
        with pytest.raises(DataError, match="cannot start /nowhere/python"):
            benchmark(folder / "net.keras", python="/nowhere/python")

    def test_a_backend_that_is_not_there(self, folder):
        if (
            subprocess.run([sys.executable, "-c", "import jax"], capture_output=True).returncode
            == 0
        ):
            pytest.skip("JAX is installed")
        with pytest.raises(MissingExtraError, match="Keras on jax cannot be imported"):
            benchmark(folder / "net.keras", runtime="keras-jax", memory=False)
