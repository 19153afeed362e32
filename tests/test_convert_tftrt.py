"""TF-TRT: every guard for real, and the order of calls with a stand-in for the converter.

No GPU with TensorFlow 2.17 was at hand: what the real converter makes of it is not tested here.
"""

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from export_nets import image_net, images
from keras import layers

from tfprune.convert import to_tftrt
from tfprune.convert.tensorrt import guards, tftrt
from tfprune.convert.tensorrt.profile import batched, filled, make_profile
from tfprune.convert.tensorrt.segments import LINE, parse
from tfprune.errors import ConversionError, DataError, FileError, ModelError


def summary_lines(engines=1) -> list[str]:
    """As trt_convert.py of TensorFlow 2.17 writes them: fields cut to shares of the line."""
    ends = np.cumsum([int(LINE * w) for w in (0.2, 0.09, 0.05, 0.09, 0.09, 0.12, 0.12, 0.12, 0.12)])

    def row(fields):
        line = ""
        for place, (field, end) in enumerate(zip(fields, ends, strict=True)):
            line = f"{line}{' ' if place else ''}{field}".ljust(end)
        return line

    names = ["TRTEngineOP Name", "Device", "# Nodes", "# Inputs", "# Outputs", "Input DTypes"]
    lines = [row([*names, "Output Dtypes", "Input Shapes", "Output Shapes"]), "=" * LINE]
    for number in range(engines):
        if engines != 1:
            lines.append(f"\n{'-' * 40}\n")
        fields = [f"TRTEngineOp_000_00{number}", "GPU:0", 12, 1, 1, "['float32']", "['float32']"]
        lines += [row([*fields, "[[-1, 8, 8, 3]]", "[[-1, 4]]"]), "", "\t- Const: 5x"]
        lines += ["\t- Conv2D: 7x"]
    lines += [f"\n{'=' * LINE}", f"[*] Total number of TensorRT engines: {engines}"]
    return [*lines, "[*] % of OPs Converted: 80.00% [12/15]\n"]


class StandIn:
    """Takes the calls of TrtGraphConverterV2, and saves the SavedModel as it came."""

    engines = 1

    def __init__(self, **settings):
        self.settings, self.calls, self.fed = settings, [], []
        StandIn.last = self

    def convert(self, calibration_input_fn=None):
        self.calls.append("convert")
        self.copy = Path(self.settings["input_saved_model_dir"]).with_suffix(".copy")
        shutil.copytree(self.settings["input_saved_model_dir"], self.copy)
        if calibration_input_fn:
            self.calls.append("calibrate")
            self.fed += list(calibration_input_fn())

    def build(self, input_fn):
        self.calls.append("build")
        self.built = list(input_fn())

    def summary(self, line_length, detailed, print_fn):
        self.calls.append("summary")
        assert (line_length, detailed) == (LINE, True)
        for line in summary_lines(self.engines):
            print_fn(line)

    def save(self, output_saved_model_dir, save_gpu_specific_engines):
        self.calls.append("save")
        assert save_gpu_specific_engines
        shutil.copytree(self.copy, output_saved_model_dir, dirs_exist_ok=True)
        shutil.rmtree(self.copy)


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(tftrt, "check_tftrt", lambda: None)
    monkeypatch.setattr(tf.experimental.tensorrt, "Converter", StandIn, raising=False)
    monkeypatch.setattr(StandIn, "engines", 1)
    return StandIn


def test_fp16_with_a_fixed_shape(tmp_path, stand_in):
    artifact = to_tftrt(image_net(), tmp_path / "trt", "FP16", minimum_segment_size=2)
    used = stand_in.last
    assert used.calls == ["convert", "build", "summary", "save"]
    settings = dict(used.settings)
    assert Path(settings.pop("input_saved_model_dir")).name.startswith("tfprune-")
    assert settings == {
        "input_saved_model_signature_key": "serving_default",
        "precision_mode": "FP16",
        "use_dynamic_shape": False,
        "dynamic_shape_profile_strategy": None,
        "max_workspace_size_bytes": 1 << 30,
        "minimum_segment_size": 2,
        "maximum_cached_engines": 1,
        "use_calibration": False,
        "allow_build_at_runtime": True,
    }
    assert [{k: v.shape for k, v in one.items()} for one in used.built] == [{"image": (1, 8, 8, 3)}]
    assert (artifact.precision, artifact.quantize) == ("FP16", "float16")
    assert artifact.largest_error <= artifact.tolerance == tftrt.TOLERANCE["FP16"]
    assert str(artifact).endswith("1 engines, 12 of 15 operations (80%) in TensorRT")
    assert artifact.as_dict()["engines"] == [
        {"name": "TRTEngineOp_000_000", "nodes": 12, "operations": {"Const": 5, "Conv2D": 7}}
    ]
    assert [one.name for one in tmp_path.iterdir()] == ["trt"]


def test_int8_with_dynamic_shapes_is_calibrated_in_whole_batches(tmp_path, stand_in):
    x = images(10)
    to_tftrt(
        image_net(),
        tmp_path / "trt",
        "INT8",
        representative_data=x,
        min_shapes=(1, 8, 8, 3),
        opt_shapes=(4, 8, 8, 3),
        max_shapes={"image": (16, 8, 8, 3)},
        profile_strategy="Optimal",
    )
    used = stand_in.last
    assert used.calls == ["convert", "calibrate", "build", "summary", "save"]
    assert used.settings["use_calibration"]
    assert used.settings["use_dynamic_shape"]
    assert used.settings["dynamic_shape_profile_strategy"] == "Optimal"
    assert [one["image"].shape[0] for one in used.fed] == [4, 4, 4]
    np.testing.assert_array_equal(used.fed[2]["image"][:2], x[8:])
    assert [one["image"].shape[0] for one in used.built] == [4, 1, 16]


def test_a_graph_that_stays_in_tensorflow_never_ships(tmp_path, stand_in, monkeypatch):
    monkeypatch.setattr(stand_in, "engines", 0)
    with pytest.raises(ConversionError, match=r"no part of .* runs in TensorRT"):
        to_tftrt(image_net(), tmp_path / "trt")
    assert not list(tmp_path.iterdir())


def test_what_the_converter_raises_is_told_in_a_line(tmp_path, stand_in, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("Incompatible TensorRT\nmajor version")

    monkeypatch.setattr(stand_in, "build", fails)
    told = r"TF-TRT cannot .*Incompatible TensorRT major version"
    with pytest.raises(ConversionError, match=told):
        to_tftrt(image_net(), tmp_path / "trt")
    assert not list(tmp_path.iterdir())


def test_segments_of_several_engines():
    found = parse([line for text in summary_lines(2) for line in text.split("\n")])
    assert [one.name for one in found.engines] == ["TRTEngineOp_000_000", "TRTEngineOp_000_001"]
    assert found.engines[1].input_shapes == "[[-1, 8, 8, 3]]"
    assert found.engines[1].output_shapes == "[[-1, 4]]"


class TestGuards:
    def test_this_machine_is_told_what_it_lacks(self, tmp_path):
        newer = tuple(map(int, tf.__version__.split(".")[:2])) >= (2, 18)
        wanted = (
            "taken out of TensorFlow with 2.18.*to_onnx" if newer else "libnvinfer|TensorRT|GPU"
        )
        with pytest.raises(ConversionError, match=wanted):
            to_tftrt(image_net(), tmp_path / "trt")
        assert not list(tmp_path.iterdir())

    def test_each_guard_has_its_own_message(self, monkeypatch):
        guards.check_version("2.17.1")
        with pytest.raises(ConversionError, match=r"this is 2\.21\.0: use tfprune\.convert"):
            guards.check_version("2.21.0")
        guards.check_build({"is_tensorrt_build": True}, "2.17.1")
        with pytest.raises(ConversionError, match="no TensorRT compiled in"):
            guards.check_build({"is_tensorrt_build": False}, "2.17.1")
        with pytest.raises(ConversionError, match=r"libnvinfer\.so\.8 cannot be loaded"):
            guards.check_library({})
        asked = []
        monkeypatch.setattr(guards, "can_load", lambda name: asked.append(name) or True)
        guards.check_library({"tensorrt_version": "10.3"})
        assert asked == ["libnvinfer.so.10", "libnvinfer_plugin.so.10"]
        with pytest.raises(ConversionError, match="finds no GPU"):
            guards.check_gpu([])
        guards.check_gpu(["GPU:0"])

    def test_arguments(self, tmp_path):
        model, target = image_net(), tmp_path / "trt"
        with pytest.raises(ConversionError, match=r"'FP32', 'FP16', 'INT8'.*'BF16'"):
            to_tftrt(model, target, "BF16")
        with pytest.raises(DataError, match="needs representative_data"):
            to_tftrt(model, target, "INT8")
        with pytest.raises(ModelError, match=r"keras\.Model"):
            to_tftrt("m.keras", target)
        target.mkdir()
        (target / "mine").write_text("mine")
        with pytest.raises(FileError, match="overwrite=True"):
            to_tftrt(model, target)
        open_sizes = keras.Sequential([keras.Input((None, 3)), layers.GlobalMaxPooling1D()])
        with pytest.raises(ConversionError, match=r"leave sizes open.*max_shapes"):
            to_tftrt(open_sizes, tmp_path / "other")


class TestProfiles:
    def test_shapes_default_to_each_other(self):
        known = [(None, 4), (None, None, 2)]
        profile = make_profile(["a", "b"], known, None, None, {"b": (8, 5, 2), "a": (8, 4)})
        assert profile.least == profile.largest == ((8, 4), (8, 5, 2))
        assert not profile.open
        assert make_profile(["a"], known[:1], None, None, None).usual == ((1, 4),)
        assert make_profile(["a"], known[:1], (1, 4), None, (8, 4)).all == (((8, 4),), ((1, 4),))

    @pytest.mark.parametrize(
        ("least", "largest", "message"),
        [
            ((9, 4), (8, 4), "min_shapes <= opt_shapes"),
            (None, (8, 5), "of the form"),
            (None, (0, 4), "of the form"),
            (None, {"b": (8, 4)}, r"received \['b'\]"),
            (None, [(8, 4), (8, 4)], "received 2 shapes"),
        ],
    )
    def test_shapes_that_do_not_fit(self, least, largest, message):
        with pytest.raises(ConversionError, match=message):
            make_profile(["a"], [(None, 4)], least, None, largest)

    def test_arrays_of_a_shape(self):
        examples = [(np.full((1, 2), value, "float32"),) for value in (1, 2)]
        (again,) = filled([(3, 2)], examples)
        assert again[:, 0].tolist() == [1, 2, 1]
        (drawn,) = filled([(3, 5)], examples)
        assert (drawn.shape, drawn.dtype) == ((3, 5), np.float32)
        assert [one[0][:, 0].tolist() for one in batched([*examples, examples[0]], 2)] == [
            [1, 2],
            [1, 1],
        ]


def test_a_tolerance_below_zero_is_refused_first(tmp_path):
    with pytest.raises(ConversionError, match="expected a tolerance of 0 or more, received -1"):
        to_tftrt(image_net(), tmp_path / "trt", tolerance=-1)
